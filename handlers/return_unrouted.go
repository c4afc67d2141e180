package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// routedVar marks a return that a route has served, or that was reported.
const routedVar = "payments.routed"

// tellUnrouted reports a request that looks like a return of a provider of this site, if no
// route of any block has served it. It is an attack, or comes from a customer whose payment
// nobody will verify. Each is an event, and leaves a trace within the bounds for strangers.
// came is the request before anything changed its address.
func (h *Handler) tellUnrouted(r *http.Request, came engine.Refusal) {
	if taken, _ := caddyhttp.GetVar(r.Context(), routedVar).(bool); taken {
		return
	}
	caddyhttp.SetVar(r.Context(), routedVar, true)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), announceTime)
	defer cancel()
	h.refused(ctx, engine.EventUnrouted, came)
}

// looksLikeReturn returns what a request claims if it could be a provider's return on this
// site, else false.
func (h *Handler) looksLikeReturn(r *http.Request) (engine.Refusal, bool) {
	var body string
	for _, p := range h.used {
		if params.CarriesAll(r.URL.RawQuery, p.terms.Marks) {
			return h.stray(r, p, nil), true
		}
		if h.byCookies(r, p) {
			return h.stray(r, p, nil), true
		}
		if body == "" && r.Method == http.MethodPost && isForm(r) {
			begun, _ := peek(r, params.MaxBytes)
			body = string(begun)
		}
		if body != "" && params.CarriesAll(body, p.terms.Marks) {
			return h.stray(r, p, []byte(body)), true
		}
	}
	return engine.Refusal{}, false
}

// byCookies reports whether a request has a provider's return in its cookies, which
// a PHP without php.ini reads as parameters. They are taken out: no browser has
// them all.
func (h *Handler) byCookies(r *http.Request, p *provider) bool {
	lines := r.Header["Cookie"]
	if len(lines) == 0 || !params.CarriesAll(strings.Join(lines, ";"), p.terms.Marks) {
		return false
	}
	for _, v := range h.Verify {
		if v.Provider == p.Name {
			v.withoutCookies(r)
		}
	}
	return true
}

func (h *Handler) stray(r *http.Request, p *provider, body []byte) engine.Refusal {
	site := h.siteOf(r)
	claimed, _ := p.ReadReturn(func(name string) string { return firstOf(r, body, name) })
	return engine.Refusal{
		Site: site.id, Provider: p.Name, ID: claimed.ID, Order: claimed.Order, Reason: payment.ReasonStray,
		Claims: claimed.Hint == payment.HintPaid, Client: client(r),
		Err: fmt.Errorf("no verify route of %s takes the path %.200q, though it carries the return parameters of %s", site.id, r.URL.Path, p.Name),
	}
}
