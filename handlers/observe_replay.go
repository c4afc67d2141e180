package handlers

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// replayReturn makes the customer's return to the shop, as the customer would have
// made it.
func (h *Handler) replayReturn(ctx context.Context, o *Observe, rec *payment.Record) engine.Replayed {
	d := &replayed{said: payment.PageBad}
	r, err := h.returnTo(ctx, o.conf.provider, rec)
	if err != nil {
		h.log.Error("the shop's own return can't be made", zap.String("ref", string(rec.Ref)), zap.Error(err))
		return engine.Replayed{Unsent: true}
	}
	r = r.WithContext(context.WithValue(r.Context(), replayKey{}, d))
	r.Pattern = workerPattern
	func() {
		defer func() {
			p := recover()
			if err, ok := p.(error); p != nil && !(ok && errors.Is(err, http.ErrAbortHandler)) {
				h.log.Error("making the shop's own return panicked", zap.String("ref", string(rec.Ref)), zap.Any("panic", p))
			}
		}()
		h.server.ServeHTTP(&discard{header: make(http.Header)}, r)
	}()
	return engine.Replayed{Taken: d.taken, Unsent: !d.taken, Page: d.said}
}

// returnTo is the request: to the create's callback, with the parameters that the
// provider adds to the return of a paid payment.
func (h *Handler) returnTo(ctx context.Context, p *provider, rec *payment.Record) (*http.Request, error) {
	ret := rec.Return
	u, err := url.ParseRequestURI(ret.URI)
	if err != nil {
		return nil, err
	}
	told := *rec
	if told.Receipt == nil {
		told.Receipt = new(payment.Receipt) // the inquiry says that it is paid
	}
	add := p.ReturnParams(&told)
	u.RawQuery = appended(u.RawQuery, add)
	r := (&http.Request{
		Method: http.MethodGet, URL: u, RequestURI: u.RequestURI(), Host: h.hostFor(ret.Host, rec.Site),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header), Body: http.NoBody,
	}).WithContext(ctx)
	replay(r, ret.By)
	secured(r, ret, h.place().secure)
	return r, nil
}

// appended is a query with more parameters behind it, as a provider writes it: what
// the shop put there stays byte for byte.
func appended(query string, add map[string]string) string {
	had, _ := url.ParseQuery(query)
	for _, name := range slices.Sorted(maps.Keys(add)) {
		if add[name] == "" || had.Has(name) {
			continue
		}
		if query != "" {
			query += "&"
		}
		query += url.QueryEscape(name) + "=" + url.QueryEscape(add[name])
	}
	return query
}
