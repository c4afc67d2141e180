package handlers

import (
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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

// routedVar marks a return that a route has taken, or that was told of.
const routedVar = "payments.routed"

// stray is a request that looks like a provider's return.
type stray struct {
	provider        *provider
	path, id, order string
}

// stray reads what such a request names, before anything changes it. What can't be
// read in one way names nothing.
func (h *Handler) stray(r *http.Request, p *provider, body string) stray {
	s := stray{provider: p, path: r.URL.Path}
	set, err := params.Parse(r.URL.RawQuery, []byte(body), r.Header.Get("Content-Type"), params.NewNames(p.traits.Params...))
	if err == nil {
		if claimed, err := p.ReadReturn(set.Get); err == nil {
			s.id, s.order = claimed.ID, claimed.Order
		}
	}
	return s
}

// tellUnrouted tells of a request that looks like a provider's return, on a site
// that uses this provider, if no route of any block has taken it: it is an attack,
// or a customer whose payment nobody will verify. The
// event names what it named.
func (h *Handler) tellUnrouted(r *http.Request, s stray) {
	if taken, _ := caddyhttp.GetVar(r.Context(), routedVar).(bool); taken {
		return
	}
	caddyhttp.SetVar(r.Context(), routedVar, true)
	now := time.Now().UnixNano()
	if last := h.toldUnrouted.Load(); last != 0 && now-last < int64(unroutedPace) || !h.toldUnrouted.CompareAndSwap(h.toldUnrouted.Load(), now) {
		return
	}
	p, site := s.provider, h.siteOf(r).id
	h.log.Warn(engine.EventUnrouted+": a request carries a provider's return parameters, but no verify route takes its path",
		zap.String("provider", p.Name), zap.String("site", site), zap.String("path", s.path))
	err := fmt.Errorf("no verify route of %s takes this path, though it carries the return parameters of %s", site, p.Name)
	h.app.Observe(engine.Event{
		Name: engine.EventUnrouted, Site: site, Provider: p.Name, ID: s.id, Order: s.order, Reason: payment.ReasonStray, Err: err, Alert: true,
	})
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
