package handlers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/scrub"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// deliver delivers a verified payment to the shop with this request. If the browser leaves,
// the delivery still runs to its end (rule 7).
func (t *returnRequest) deliver(rec *payment.Record) error {
	browser := t.h.browserID(t.w, t.r)
	ctx := context.WithoutCancel(t.r.Context())
	var passed passes
	caddyhttp.SetVar(ctx, paidVar, rec)
	if page, shut := t.h.ask(t.w, t.r, &passed); page != nil {
		return t.gated(ctx, rec, page, shut)
	}
	var (
		w        *filter // nil if nothing was begun
		handed   engine.Handed
		panicked any
		handErr  error
	)
	d := engine.Delivery{Via: payment.ViaBrowser, Browser: token.Hash(browser), Track: t.h.currentTrack(t.r, t.keys), Policy: t.v.policy()}
	now, err := t.eng.Deliver(ctx, rec, d, func(ctx context.Context, rec *payment.Record) engine.Handed {
		t.reread(rec)
		w = newFilter(t.w)
		w.guards(t.h, t.r, passed)
		handed, panicked, handErr = t.h.hand(ctx, w, t.r, t.next, t.v, rec, t.set, t.body, t.keys)
		return handed
	})
	switch {
	case panicked != nil:
		panic(panicked)
	case w == nil && errors.Is(err, engine.ErrStopping):
		return t.confirming(rec)
	case w == nil && errors.Is(err, engine.ErrNotNow) && now != nil:
		res := t.bounceResult(now)
		if res.Kind == engine.Verified {
			return t.confirming(now) // its money may be on the way back: nothing begins now
		}
		return t.answer(res)
	case w == nil:
		return t.unavailable(err)
	}
	if w.refused != nil {
		clearVerified(t.r)
		return t.page(pages.Parked, now, nil)
	}
	if w.status != 0 {
		// The shop has answered; whatever it said is the customer's.
		return nil
	}
	if handErr == nil && err == nil && handed.Acked && !handed.NoPage {
		return nil
	}
	clearVerified(t.r)
	if now != nil && now.State == payment.Delivered && handed.NoPage {
		if set := t.brought(); t.ref == now.Ref && set != nil && set.Has(token.ParamRef) {
			// To an address with nothing but our own reference, for whoever reloads it,
			// keeps it or sends it on.
			return t.redirect(t.selfURI())
		}
		return t.page(pages.Thanks, now, nil)
	}
	if now != nil && now.State == payment.Verified {
		return t.confirming(now)
	}
	return t.page(pages.Parked, now, nil)
}

// confirming answers for a payment that is on record and is delivered later.
func (t *returnRequest) confirming(rec *payment.Record) error {
	p := t.about(pages.Confirming, rec)
	p.Recorded, p.Refresh = true, t.bounceURL(rec)
	return t.write(p, nil)
}

// gated answers if a `require` that this payment does not open covers the payment's own
// return. No delivery begins; a person must change the paths and deliver again.
func (t *returnRequest) gated(ctx context.Context, rec *payment.Record, page answerer, shut bool) error {
	caddyhttp.SetVar(ctx, paidVar, nil)
	if !shut {
		return page(t.w, t.r)
	}
	rec, err := t.eng.Gated(ctx, rec)
	if err != nil {
		return t.unavailable(err)
	}
	return t.page(pages.Parked, rec, nil)
}

// hand sends the prepared request through the site's own route and returns the result. A
// panic, ours or the shop's (an aborted body), is returned and not swallowed.
func (h *Handler) hand(ctx context.Context, w *filter, r *http.Request, next caddyhttp.Handler, v *Verify, rec *payment.Record, set *params.Set, body []byte, keys *token.Keys) (handed engine.Handed, panicked any, err error) {
	d := &dispatch{h: h, v: v, rec: rec, r: r, once: v.policy().Once}
	w.reader = d
	ctx = failpoint.Sent(ctx, failpoint.ShopTold)
	ctx, d.cancel = context.WithCancel(ctx)
	defer d.cancel()
	ctx = httptrace.WithClientTrace(ctx, d.trace())
	func() {
		defer func() { panicked = recover() }()
		err = h.prepare(ctx, r, v, rec, set, body, keys)
	}()
	if err != nil || panicked != nil {
		return engine.Handed{Unsent: true}, panicked, err
	}
	func() {
		defer func() { panicked = recover() }()
		if err = next.ServeHTTP(w, r); err == nil || w.status != 0 {
			w.finish()
			return
		}
		// An error is no answer: nothing has been written, what Caddy would make of
		// it is not the shop's, and our own page comes in its place.
		forget(w.Header(), w.Header()["Set-Cookie"])
	}()
	d.wrote = w.status
	handed = d.outcome(err, panicked, panicked != nil && !w.gone)
	if d.pageless && w.refused == nil {
		h.tellPageless(r, v, rec)
	}
	if w.refused != nil {
		// The shop may have run, but its answer was not this customer's to see.
		handed = engine.Handed{Gated: w.refused.shut}
		if panicked == http.ErrAbortHandler { //nolint:errorlint // net/http compares so
			panicked = nil
		}
	}
	return handed, panicked, err
}

// prepare turns a return into the verified request, in place. With a clone, Caddy's
// placeholders and FastCGI's REQUEST_URI would keep the old values.
func (h *Handler) prepare(ctx context.Context, r *http.Request, v *Verify, rec *payment.Record, set *params.Set, body []byte, keys *token.Keys) error {
	values := v.route.provider.ReturnParams(rec)
	if values == nil {
		values = make(map[string]string)
	}
	for _, ours := range []string{paramBounce, token.ParamRef, payment.ParamSignature, payment.ParamExpires} {
		values[ours] = ""
	}
	// If the route reads no signature, anybody may have written these two.
	values[payment.ParamOrder], values[payment.ParamAmount] = rec.Order, rec.HandedAmount().String()
	query, newBody, _ := set.Rewrite(values)
	r.URL.RawQuery = query
	r.RequestURI = r.URL.RequestURI()
	*r = *r.WithContext(changeOriginal(ctx, func(original *http.Request) { original.URL.RawQuery, original.Method = query, r.Method }))
	if body != nil && r.Method == http.MethodPost {
		setBody(r, newBody)
	} else {
		unreplayable(r)
	}
	v.dropCookies(r)
	r.Header.Del("Idempotency-Key")
	r.Header.Del("X-Idempotency-Key")
	r.Header.Del("Connection")
	scrub.Trailers(r)
	return h.mark(r, rec, keys)
}

// unreplayable gives a request without a body an empty body that net/http can't send twice. So
// net/http sends a plain GET once, and doesn't repeat it after a dead kept-alive
// connection.
//
// The encoding says that it isn't chunked. Otherwise net/http looks for a first byte, in a
// goroutine of its own, and where that takes longer than 200 ms it sends a chunked GET; Caddy's
// proxy then writes a map in that goroutine while net/http reads it, which may end the process.
func unreplayable(r *http.Request) {
	r.Method = http.MethodGet
	r.Body = io.NopCloser(strings.NewReader(""))
	r.ContentLength = -1
	r.TransferEncoding = []string{"identity"}
	r.Header.Del("Content-Length")
	r.Header.Del("Content-Type")
}
