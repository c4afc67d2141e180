package handlers

import (
	"context"
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Back implements engine.Recoverer.
func (s *Sites) Back(ctx context.Context, provider, callback string) (engine.Back, bool) {
	u, err := url.Parse(callback)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return engine.Back{}, false
	}
	at, ok := s.Callback(ctx, u, provider)
	if !ok || at.Return == nil {
		return engine.Back{}, false
	}
	back := engine.Back{Site: at.ID, Formerly: at.Formerly, Route: at.Route, Return: at.Return}
	h, o := s.findObserve(&payment.Record{Site: at.ID, Route: at.Route, Provider: provider, Return: at.Return})
	if back.Observed = o != nil && h != nil; back.Observed {
		back.Relayed = h.relays(provider)
	} else if _, v := s.find(&payment.Record{Site: at.ID, Route: at.Route, Provider: provider, Return: at.Return}); v != nil && v.route.order.param != "" {
		if order := u.Query().Get(v.route.order.param); order != "" && payment.CheckOrder(order) == nil {
			back.Order = order
		}
	}
	return back, true
}

// Bring implements engine.Recoverer. The return is made as a program's, which a verify
// route records, settles, and doesn't hand over: that is the worker's to do, by what the
// site says of absent customers.
func (s *Sites) Bring(ctx context.Context, provider, id string, b engine.Back) {
	rec := &payment.Record{Site: b.Site, Route: b.Route, Provider: provider, ID: id, Return: b.Return, Receipt: new(payment.Receipt)}
	h, v := s.find(rec)
	if h == nil || h.server == nil {
		return
	}
	r, err := h.returnTo(ctx, v.route.provider, rec)
	if err != nil {
		h.log.Error("the return of a payment that its provider lists can't be made", zap.String("provider", provider), zap.Error(err))
		return
	}
	r.Header.Set("Accept", "application/json")
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares so
			h.log.Error("the return of a payment that its provider lists panicked", zap.Any("panic", p))
		}
	}()
	h.server.ServeHTTP(&discard{header: make(http.Header)}, r)
}

// Interface guard.
var _ engine.Recoverer = (*Sites)(nil)
