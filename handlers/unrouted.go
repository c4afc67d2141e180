package handlers

import (
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
)

// unroutedPace is how often a return that no route takes is told of.
const unroutedPace = time.Minute

// maxLook bounds the forms that are looked into for one. A provider's are
// smaller.
const maxLook = 4 << 10

// routedVar marks a return that a route has taken, or that was told of.
const routedVar = "payments.routed"

// tellUnrouted tells of a request that looks like a provider's return, on a site
// that uses this provider, if no route of any block has taken it: it is an attack,
// or a customer whose payment nobody will verify.
func (h *Handler) tellUnrouted(r *http.Request, p *provider) {
	if taken, _ := caddyhttp.GetVar(r.Context(), routedVar).(bool); taken {
		return
	}
	caddyhttp.SetVar(r.Context(), routedVar, true)
	now := time.Now().UnixNano()
	if last := h.toldUnrouted.Load(); last != 0 && now-last < int64(unroutedPace) || !h.toldUnrouted.CompareAndSwap(h.toldUnrouted.Load(), now) {
		return
	}
	h.log.Warn(engine.EventUnrouted+": a request carries a provider's return parameters, but no verify route takes its path",
		zap.String("provider", p.Name), zap.String("site", h.siteOf(r).id), zap.String("path", r.URL.Path))
	h.app.Observe(engine.Event{
		Name: engine.EventUnrouted, Provider: p.Name, Site: h.siteOf(r).id, Alert: true,
		Err: fmt.Errorf("no verify route of %s takes this path, though it carries the return parameters of %s", h.siteOf(r).id, p.Name),
	})
}

// looksLikeReturn is the provider of this site whose return a request could be.
func (h *Handler) looksLikeReturn(r *http.Request) *provider {
	var body string
	for _, p := range h.used {
		if params.CarriesAll(r.URL.RawQuery, p.traits.Marks) {
			return p
		}
		if body == "" && r.Method == http.MethodPost && r.ContentLength > 0 && r.ContentLength <= maxLook && isForm(r) {
			begun, _ := peek(r, maxLook)
			body = string(begun)
		}
		if body != "" && params.CarriesAll(body, p.traits.Marks) {
			return p
		}
	}
	return nil
}
