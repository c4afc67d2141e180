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

// maxLook bounds the forms that are looked into for one. A provider's are
// smaller.
const maxLook = 4 << 10

// tellUnrouted tells of a request that looks like a provider's return, on a site
// that uses this provider, and that no route takes: it is an attack, or a customer
// whose payment nobody will verify. Each leaves a trace, as far as strangers may
// leave any; the owner is told at this pace.
func (h *Handler) tellUnrouted(r *http.Request) {
	p, body := h.looksLikeReturn(r)
	if p == nil {
		return
	}
	last, now := h.toldUnrouted.Load(), time.Now().UnixNano()
	told := last != 0 && now-last < int64(unroutedPace) || !h.toldUnrouted.CompareAndSwap(last, now)
	site := h.siteOf(r)
	if !told {
		h.log.Warn(engine.EventUnrouted+": a request carries a provider's return parameters, but no verify route takes its path",
			zap.String("provider", p.Name), zap.String("site", site.id), zap.String("path", r.URL.Path))
	}
	claimed, _ := p.ReadReturn(func(name string) string { return firstOf(r, body, name) })
	refusal := engine.Refusal{
		Site: site.id, Provider: p.Name, ID: claimed.ID, Order: claimed.Order, Reason: payment.ReasonStray,
		Claims: claimed.Hint == payment.HintPaid, Client: client(r), Told: told,
		Err: fmt.Errorf("no verify route of %s takes this path, though it carries the return parameters of %s", site.id, p.Name),
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), announceTime)
	defer cancel()
	eng, err := h.app.Engine(ctx)
	switch {
	case err == nil:
		eng.Refused(ctx, refusal)
	case !told:
		h.app.Observe(engine.Event{
			Name: engine.EventUnrouted, Site: site.id, Provider: p.Name, ID: claimed.ID, Order: claimed.Order,
			Reason: payment.ReasonStray, Err: refusal.Err, Alert: true,
		})
	}
}

// looksLikeReturn is the provider of this site whose return a request could be, and
// its form as far as it was looked into.
func (h *Handler) looksLikeReturn(r *http.Request) (*provider, []byte) {
	var body string
	for _, p := range h.used {
		if params.CarriesAll(r.URL.RawQuery, p.traits.Marks) {
			return p, nil
		}
		if body == "" && r.Method == http.MethodPost && r.ContentLength > 0 && r.ContentLength <= maxLook && isForm(r) {
			begun, _ := peek(r, maxLook)
			body = string(begun)
		}
		if body != "" && params.CarriesAll(body, p.traits.Marks) {
			return p, []byte(body)
		}
	}
	return nil, nil
}
