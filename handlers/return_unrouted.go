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
//
// Invariant: address, form and cookies are looked at together, whatever the method, because
// PHP merges them: a return that is torn over them is one.
func (h *Handler) looksLikeReturn(r *http.Request) (engine.Refusal, bool) {
	if len(h.used) == 0 {
		return engine.Refusal{}, false
	}
	query, cookies := r.URL.RawQuery, strings.Join(r.Header["Cookie"], ";")
	var form string
	// JSON whose length nobody told may be a conversation: whoever reads ahead there waits for what the
	// visitor says only when the shop has answered. PHP makes no form of JSON.
	if k := kindsOf(r); !bodyless(r) && (k.plain || k.inParts || k.isJSON && r.ContentLength >= 0) {
		read, _ := asQuery(r) // what can't be read is no return that anybody could see
		form = string(read)
	}
	for _, p := range h.used {
		if h.byCookies(r, p) || params.CarriesAllIn(p.terms.Marks, query, form, cookies) {
			return h.stray(r, p, form+"&"+strings.ReplaceAll(cookies, "; ", "&")), true
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

func (h *Handler) stray(r *http.Request, p *provider, form string) engine.Refusal {
	site := h.siteOf(r)
	claimed, _ := p.ReadReturn(func(name string) string { return firstOf(r, []byte(form), name) })
	return engine.Refusal{
		Site: site.id, Provider: p.Name, ID: claimed.ID, Order: claimed.Order, Reason: payment.ReasonStray,
		Claims: claimed.Hint == payment.HintPaid, Client: client(r),
		Err: fmt.Errorf("no verify route of %s takes the path %.200q, though it carries the return parameters of %s", site.id, r.URL.Path, p.Name),
	}
}
