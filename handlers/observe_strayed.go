package handlers

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// bind finds out whose returns are compared with their creates.
//
// Its invariant: each provider that the site observes, or relays under its own path, is
// among them: whoever relays without `observe` gets its shop's returns compared all the
// same. What a relay without a site of its own serves is found out later ([Handler.bindShared]).
func (h *Handler) bind() {
	for _, o := range h.Observe {
		h.compare(o)
	}
	for _, l := range h.Relay {
		for _, name := range l.server.Names() {
			if info, ok := h.app.Provider(name); ok {
				h.compare(&Observe{Provider: name, conf: routeFor(info)})
			}
		}
	}
}

// compare adds a provider whose returns are compared, each once.
func (h *Handler) compare(o *Observe) {
	if !slices.ContainsFunc(h.bound, func(b *Observe) bool { return b.Provider == o.Provider }) {
		h.bound = append(h.bound, o)
		for _, name := range o.conf.provider.terms.Params {
			if !slices.Contains(h.fields, name) {
				h.fields = append(h.fields, name)
			}
		}
	}
}

// bindShared adds what relays without a site of their own serve: several shops may use one,
// and a verify doesn't say whose it is. The return does. It waits for the first request,
// because sites may be provisioned before relays.
func (h *Handler) bindShared() {
	app, ok := h.app.(relay.App)
	if !ok {
		return
	}
	for _, name := range h.app.ProviderNames() {
		if info, ok := h.app.Provider(name); ok && app.Relays(name) {
			h.compare(&Observe{Provider: name, conf: routeFor(info), shared: true})
		}
	}
}

// ofNoSite: nobody can say where the returns of a payment belong, because its create named an
// address that is no site's with a `payments` block: one that redirects to this site, perhaps.
func (h *Handler) ofNoSite(rec *payment.Record) bool {
	if rec == nil {
		return true
	}
	if h.sites == nil {
		return !h.owns(rec.Site)
	}
	return !slices.ContainsFunc(h.sites.all(), func(other *Handler) bool { return other.owns(rec.Site) })
}

// strayed answers a return of a relayed payment that no route takes, if its payment was
// created with another address; nil for every other request.
//
// A script need not read all that the gateway sends, so an id with one more of its
// parameters is a return. A shop may show an id alone on pages of its own: it is one only
// while the payment waits for the shop to hear of it, which comes before such a page.
func (h *Handler) strayed(r *http.Request) answerer {
	h.sharing.Do(h.bindShared)
	if len(h.bound) == 0 {
		return nil
	}
	query, cookies := r.URL.RawQuery, strings.Join(r.Header["Cookie"], ";")
	if bodyless(r) && !bracketed(query) && !params.CarriesAny(h.fields, query, cookies) {
		return nil // as nearly all requests: nothing is read or copied for them
	}
	form, unread := wholeForm(r)
	texts := []string{query, string(form), cookies}
	if unread == nil && !params.CarriesAny(h.fields, texts...) {
		return nil
	}
	for _, o := range h.bound {
		known := o.conf.provider.terms.Params
		if unread == nil && !params.CarriesSome(1, known, texts...) {
			continue // as most requests
		}
		b, err := brought{form: form}, unread
		if err == nil {
			b.named, err = o.named(r.URL.RawQuery, form)
		}
		if err != nil && h.relays(o.Provider) && (o.marked(r) && (!o.shared || unread == nil) || o.markedInAddress(r)) {
			return h.refuseForeign(r, o, nil, err)
		}
		if !params.CarriesSome(1, known, texts...) {
			continue
		}
		alone := !params.CarriesSome(min(2, len(known)), known, texts...)
		h.untold(r, o, b)
		if err != nil {
			continue
		}
		eng, _ := h.app.Engine(r.Context())
		if rec, why := h.foreign(r, o, eng, b); why != nil && (!alone || awaited(rec)) {
			if o.shared && h.ofNoSite(rec) {
				continue
			}
			return h.refuseForeign(r, o, rec, why)
		}
	}
	return nil
}

// awaited: the shop has not heard how a payment ended.
func awaited(rec *payment.Record) bool {
	return rec != nil && rec.Relay != nil && rec.Relay.HeardAt.IsZero() && (rec.State == payment.Created || rec.State == payment.Verifying || rec.State.Captured())
}

// marked: a request has what every return of the provider has, wherever a reader may
// look for it.
func (o *Observe) marked(r *http.Request) bool {
	marks := o.conf.provider.terms.Marks
	var form, cookies string
	looked := false
	for i := range marks {
		if params.CarriesAll(r.URL.RawQuery, marks[i:i+1]) {
			continue
		}
		if !looked {
			body, err := asQuery(r)
			if err != nil { // a shop may read it, but no gateway sends packed JSON
				return !strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "json")
			}
			looked, form = true, string(body)
			if len(r.Header["Cookie"]) > 0 {
				cookies = strings.Join(r.Header["Cookie"], ";")
			}
		}
		if !params.CarriesAll(form, marks[i:i+1]) && !params.CarriesAll(cookies, marks[i:i+1]) {
			return false
		}
	}
	return len(marks) > 0
}

// markedInAddress: the address alone has them. Of a shared relay's provider that is all that an
// unreadable body can be told by: it is more likely another site's own.
func (o *Observe) markedInAddress(r *http.Request) bool {
	marks := o.conf.provider.terms.Marks
	return len(marks) > 0 && params.CarriesAll(r.URL.RawQuery, marks)
}

// refuseForeign is our page in place of the shop's, and an event.
func (h *Handler) refuseForeign(r *http.Request, o *Observe, rec *payment.Record, why error) answerer {
	caddyhttp.SetVar(r.Context(), routedVar, true)
	e := engine.Event{Name: engine.EventForeignReturn, Record: rec, Provider: o.Provider, Site: h.siteOf(r).id, Err: why, Alert: true}
	if rec != nil {
		e.ID = rec.ID
	}
	h.app.Observe(e)
	return func(w http.ResponseWriter, r *http.Request) error {
		return h.write(w, r, pages.Page{Kind: pages.Malformed, ShopURL: h.home(r)}, why)
	}
}
