package handlers

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

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

// looksLikeReturn looks for a provider's return in a request that no route has taken. It returns
// what tells of one behind the handlers, nil if there is nothing to tell.
//
// Invariant: address, form and cookies are looked at together, whatever the method, because
// PHP merges them: a return that is torn over them is one.
func (h *Handler) looksLikeReturn(r *http.Request) func() {
	if len(h.used) == 0 {
		return nil
	}
	l := look{query: r.URL.RawQuery, cookies: strings.Join(r.Header["Cookie"], ";")}
	var k kinds
	later := false
	if !bodyless(r) {
		switch k = kindsOf(r); {
		case k.plain || k.inParts || k.isJSON && r.ContentLength >= 0:
			body, _ := peek(r, params.MaxBytes)
			l.fields, l.form = h.seen(r, k, body)
		case k.isJSON || len(r.Header["Content-Type"]) == 0:
			// It may be a conversation: whoever reads ahead there waits for what the visitor
			// says only when the shop has answered. So it is looked at as it passes.
			later = true
		}
	}
	if came, ok := h.strayIn(r, l); ok {
		return func() { h.tellUnrouted(r, came) }
	}
	if later {
		return h.lookLater(r, l, k)
	}
	return nil
}

// lookLater looks at a body when the shop has read of it what it wanted to.
func (h *Handler) lookLater(r *http.Request, l look, k kinds) func() {
	was := *r
	address := *r.URL
	was.URL = &address // handlers rewrite the one of the request
	was.Header = r.Header.Clone()
	body := &passing{Reader: r.Body, Closer: r.Body}
	r.Body = body
	return func() {
		l.fields, l.form = h.seen(&was, k, body.beginning())
		if came, ok := h.strayIn(&was, l); ok {
			h.tellUnrouted(r, came)
		}
	}
}

// look is where a provider's return is looked for: fields are those of JSON and of a form of
// parts, as a query; form is the beginning of the body as it is.
type look struct{ query, fields, form, cookies string }

// seen returns what can be seen of a body by its beginning: by the raw bytes, tolerant of what
// its headers call it.
//
// Invariant: what PHP makes of the first 64 KiB of a body is in it: PHP asks neither for the
// charset nor for the Content-Encoding, and some read a form that has no type. What is really
// packed, and what stands behind the first 64 KiB, is not seen.
func (h *Handler) seen(r *http.Request, k kinds, body []byte) (inner, form string) {
	body = body[:min(len(body), params.MaxBytes)]
	found := make(url.Values)
	if text := bytes.TrimLeft(body, "\xef\xbb\xbf \t\r\n"); k.isJSON || bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")) {
		fields(text, found)
	}
	if k.inParts {
		for _, t := range r.Header["Content-Type"] {
			_ = parts(body, t, found) // what more boundaries would make of it isn't read as PHP does
		}
	}
	if k.plain || !k.inParts && (!k.isJSON || len(found) == 0) {
		form = string(body)
	}
	for name, values := range found {
		if !h.param(name) {
			delete(found, name)
			continue
		}
		for i, v := range values {
			values[i] = v[:min(len(v), params.MaxValue+1)]
		}
	}
	return found.Encode(), form
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

// strayIn returns what a request claims if it could be a provider's return on this site.
func (h *Handler) strayIn(r *http.Request, l look) (engine.Refusal, bool) {
	var fits []*provider
	for _, p := range h.used {
		if h.byCookies(r, p) || params.CarriesAllIn(p.terms.Marks, l.query, l.fields, l.form, l.cookies) {
			fits = append(fits, p)
		}
	}
	if len(fits) == 0 {
		return engine.Refusal{}, false
	}
	return h.stray(r, l, fits), true
}

// stray makes the message about a return that no route takes, of one of the providers whose it
// could be.
//
// Invariant: it is the one whose payment the return names, and the message has that payment's
// id, by which a person finds it in the log and in the ledger.
func (h *Handler) stray(r *http.Request, l look, fits []*provider) engine.Refusal {
	p, claimed, best := fits[0], payment.Claimed{}, -1
	for _, fit := range fits {
		c, rank := l.claimed(fit), 0
		if c.ID != "" {
			rank = 1
		}
		if rank == 0 || len(fits) > 1 {
			if rec := h.inLedger(r.Context(), fit, l, c.ID); rec != nil {
				c.ID, c.Order, rank = rec.ID, cmp.Or(c.Order, rec.Order), 2
			}
		}
		if rank > best {
			p, claimed, best = fit, c, rank
		}
	}
	site := h.siteOf(r)
	return engine.Refusal{
		Site: site.id, Provider: p.Name, ID: claimed.ID, Order: claimed.Order, Reason: payment.ReasonStray,
		Claims: claimed.Hint == payment.HintPaid, Client: client(r),
		Err: fmt.Errorf("no verify route of %s takes the path %.200q, though it carries the return parameters of %s", site.id, r.URL.Path, p.Name),
	}
}

// claimed returns what a provider reads in a request: by the first values of its parameters or,
// where those name no payment, because the shop has a parameter of that name, too, by later ones.
func (l look) claimed(p *provider) (first payment.Claimed) {
	most := 1
	for i := 0; i < most; i++ {
		c, err := p.ReadReturn(func(name string) string {
			all := l.values(name)
			if len(all) == 0 {
				return ""
			}
			most = max(most, len(all))
			return all[min(i, len(all)-1)]
		})
		if err == nil && c.ID != "" {
			return c
		}
		if i == 0 && err == nil {
			first = c
		}
	}
	return first
}

// values returns the different values of a parameter, wherever it is.
func (l look) values(name string) (all []string) {
	for _, text := range []string{l.query, l.fields, l.form, strings.ReplaceAll(l.cookies, "; ", "&")} {
		for _, v := range params.Values("", []byte(text), name) {
			if !slices.Contains(all, v) && len(all) < params.MostValues {
				all = append(all, v)
			}
		}
	}
	return all
}

// inLedger finds a payment of a provider that was begun under an id, or, if none was read, under
// the value of any of its parameters.
func (h *Handler) inLedger(ctx context.Context, p *provider, l look, id string) *payment.Record {
	eng, err := h.app.Engine(ctx)
	if err != nil {
		return nil
	}
	ids := []string{id}
	if id == "" {
		ids = nil
		for _, name := range p.terms.Params {
			ids = append(ids, l.values(name)...)
		}
	}
	for _, id := range ids[:min(len(ids), mostTried)] {
		ref, err := eng.Store.Holder(ctx, payment.IntentKey(p.terms.Issuer, id))
		if err != nil {
			continue
		}
		if rec, err := eng.Store.Get(ctx, ref); err == nil && rec.ID == id {
			return rec
		}
	}
	return nil
}

// param reports whether a name is, for some reader, that of a parameter of a provider of this site.
func (h *Handler) param(name string) bool {
	escaped := url.QueryEscape(name)
	return slices.ContainsFunc(h.used, func(p *provider) bool { return params.CarriesOne(escaped, p.terms.Params) })
}

// passing is a body that keeps its beginning as it is read.
type passing struct {
	io.Reader
	io.Closer
	mu   sync.Mutex // a transport may read on when the handler has returned
	kept []byte
}

func (p *passing) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if room := params.MaxBytes - len(p.kept); n > 0 && room > 0 {
		p.kept = append(p.kept, b[:min(n, room)]...)
	}
	return n, err
}

// beginning returns what was read so far, at most 64 KiB of it.
func (p *passing) beginning() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.kept)
}
