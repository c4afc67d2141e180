package handlers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// unroutedPace is how often a return that no route takes is told of.
const unroutedPace = time.Minute

// unroutedWait bounds the wait for a store that is being opened.
const unroutedWait = 100 * time.Millisecond

// maxLook bounds the forms that are looked into for one. A provider's are
// smaller.
const maxLook = 4 << 10

// tellUnrouted tells of a request that looks like a provider's return, on a site
// that uses this provider, and that no route takes: it is an attack, or a customer
// whose payment nobody will verify.
func (h *Handler) tellUnrouted(r *http.Request) {
	p, body := h.looksLikeReturn(r)
	if p == nil {
		return
	}
	now := time.Now().UnixNano()
	if last := h.toldUnrouted.Load(); last != 0 && now-last < int64(unroutedPace) || !h.toldUnrouted.CompareAndSwap(h.toldUnrouted.Load(), now) {
		return
	}
	h.log.Warn(engine.EventUnrouted+": a request carries a provider's return parameters, but no verify route takes its path",
		zap.String("provider", p.Name), zap.String("site", h.siteOf(r).id), zap.String("path", r.URL.Path))
	refusal := engine.Refusal{
		Site: h.siteOf(r).id, Provider: p.Name, Reason: payment.ReasonStray, Client: client(r),
		Err: fmt.Errorf("no verify route of %s takes this path, though it carries the return parameters of %s", h.siteOf(r).id, p.Name),
	}
	// What can't be read in one way names nothing; the rest is told all the same.
	set, err := params.Parse(r.URL.RawQuery, []byte(body), r.Header.Get("Content-Type"), params.NewNames(p.traits.Params...))
	if err == nil {
		if claimed, err := p.ReadReturn(set.Get); err == nil {
			refusal.ID, refusal.Order = claimed.ID, claimed.Order
		}
	}
	// The request goes on: it waits for no store.
	ctx, cancel := context.WithTimeout(r.Context(), unroutedWait)
	defer cancel()
	eng, err := h.app.Engine(ctx)
	if err != nil {
		h.app.Observe(engine.Event{
			Name: engine.EventUnrouted, Site: refusal.Site, Provider: p.Name, ID: refusal.ID, Order: refusal.Order,
			Reason: refusal.Reason, Err: refusal.Err, Alert: true,
		})
		return
	}
	eng.Refused(ctx, refusal)
}

// looksLikeReturn is the provider of this site whose return a request could be,
// and the form that was looked into.
func (h *Handler) looksLikeReturn(r *http.Request) (p *provider, body string) {
	for _, p := range h.used {
		if params.CarriesAll(r.URL.RawQuery, p.traits.Marks) {
			return p, body
		}
		if body == "" && r.Method == http.MethodPost && r.ContentLength > 0 && r.ContentLength <= maxLook && isForm(r) {
			begun, _ := peek(r, maxLook)
			body = string(begun)
		}
		if body != "" && params.CarriesAll(body, p.traits.Marks) {
			return p, body
		}
	}
	return nil, ""
}
