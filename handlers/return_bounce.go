package handlers

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// paramBounce carries the token of the bounce.
	paramBounce = "payment_bounce"
	// bounceAgain takes the pointer's place if a return was only sent again to bring the
	// cookies.
	bounceAgain = "again"
	// familyNonce is the prefix of the cookie of a bounce, for a browser that
	// brought no name of its own.
	familyNonce = "hop_"
	// cookieBrowser is a random name for this browser: the nonce of a bounce,
	// and how a repeated return is known to be the same customer's.
	cookieBrowser = "browser"
	// browserLife is how long a browser keeps its name.
	browserLife = token.PaidLife
)

// browserID returns the browser's random name. If it has none, it gets one.
func (h *Handler) browserID(w http.ResponseWriter, r *http.Request) string {
	view := h.view(r)
	if id := token.ReadCookie(r, cookieBrowser, view); len(id) >= 16 && len(id) <= 64 {
		return id
	}
	id := token.NewNonce()
	token.SetCookie(w, cookieBrowser, id, browserLife, view)
	return id
}

// sendBounce makes the browser come again from our own site, with the cookies that a
// cross-site POST lacks. For payments of our checkout it redirects to a GET; for shops that
// expect their POST it sends a form that submits itself.
func (t *returnRequest) sendBounce(rec *payment.Record) error {
	if t.v.byRedirect(rec) {
		t.w.Header().Set("Location", t.bounceURL(rec))
		t.w.Header().Set("Cache-Control", forNobody)
		t.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	p := t.about(pages.Bounce, rec)
	p.Action = t.selfURI()
	p.Fields = []pages.Field{{Name: paramBounce, Value: t.pointer(rec)}}
	return t.write(p, nil)
}

// pointer returns the token of a bounce. It leads to the payment for the
// browser that holds the cookie. Using it twice is harmless.
func (t *returnRequest) pointer(rec *payment.Record) string {
	text, err := t.keys.SignBounce(rec.Ref, t.site.id, t.nonce(rec), time.Now())
	if err != nil {
		return ""
	}
	return text
}

// nonce returns the cookie value that the browser must show with the pointer: its name or, if
// a cross-site POST did not bring the name, a cookie for this payment alone, because
// another name would replace the first.
func (t *returnRequest) nonce(rec *payment.Record) string {
	view := t.h.view(t.r)
	if id := token.ReadCookie(t.r, cookieBrowser, view); id != "" {
		return id
	}
	name := hopCookie(rec)
	nonce := token.ReadCookie(t.r, name, view)
	if nonce == "" {
		nonce = token.NewNonce()
	}
	token.SetCookie(t.w, name, nonce, token.BounceLife, view)
	return nonce
}

// hopCookie is the name of a payment's own nonce. It tells nobody the payment's number.
func hopCookie(rec *payment.Record) string { return familyNonce + token.ShortHash(string(rec.Ref)) }

// cookiesToCome reports whether a return came without the browser's cookies.
func (t *returnRequest) cookiesToCome() bool {
	return t.r.Method == http.MethodPost && !t.bounced && t.v.bounce() != bounceOff && !pages.TakesNoPage(t.r)
}

// sendAgain makes the browser send the same return once more from our own site, before the
// shop sees a return that is not delivered. Without the session cookie the shop would open
// another session. rec may be nil.
func (t *returnRequest) sendAgain(rec *payment.Record) error {
	if t.v.byRedirect(rec) {
		uri := t.selfURI()
		for _, name := range t.v.route.provider.terms.Params {
			low := strings.ToLower(name)
			if t.set.Has(name) && !strings.Contains(low, "card") && !strings.Contains(low, "hash") {
				uri = appendQuery(uri, name, t.set.Get(name))
			}
		}
		t.w.Header().Set("Location", uri)
		t.w.Header().Set("Cache-Control", forNobody)
		t.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	p := t.about(pages.Bounce, rec)
	uri, body := t.uncarded()
	p.Action = sameHost(uri)
	p.Fields = append(fieldsOf(body), pages.Field{Name: paramBounce, Value: bounceAgain})
	return t.write(p, nil)
}

// bounceURL returns the address at which a browser asks again by GET.
func (t *returnRequest) bounceURL(rec *payment.Record) string {
	return appendQuery(t.selfURI(), paramBounce, t.pointer(rec))
}

// selfURI returns the return's own address on this site: path and the shop's own
// query, which the route may need to be found again.
//
// Invariant: it has no parameter that this browser did not bring.
func (t *returnRequest) selfURI() string {
	uri := originalURI(t.r)
	path, query, _ := strings.Cut(uri, "?")
	drop := map[string]string{paramBounce: ""}
	for _, name := range t.v.route.provider.terms.Params {
		drop[name] = ""
	}
	if set := t.brought(); set != nil {
		query, _, _ = set.Rewrite(drop)
	}
	path = sameHost(path)
	if query == "" {
		return path
	}
	return path + "?" + query
}

// sameHost returns a path, with or without a query, that leads to this host when it is used in
// a page. A path that begins with two slashes would lead to another host.
func sameHost(uri string) string { return "/" + strings.TrimLeft(uri, "/\\") }

// serveBounce serves the second request of a bounce, and the refreshes of a waiting page.
func (t *returnRequest) serveBounce() error {
	b, err := t.keys.OpenBounce(t.set.Get(paramBounce), t.site.names, time.Now())
	if err != nil {
		return t.page(pages.NotFound, nil, err)
	}
	rec, err := t.eng.Store.Get(t.r.Context(), b.Ref)
	if err != nil || !t.site.is(rec.Site) || rec.Route != "" && rec.Route != t.v.route.name && !t.mine(rec) {
		return t.page(pages.NotFound, nil, err)
	}
	view := t.h.view(t.r)
	if !b.Holds(token.ReadCookie(t.r, cookieBrowser, view)) && !b.Holds(token.ReadCookie(t.r, hopCookie(rec), view)) {
		return t.neutral(rec)
	}
	res := t.bounceResult(rec)
	if res.Kind != engine.Verified {
		return t.answer(res)
	}
	if rec.Return != nil && rec.Return.Method == http.MethodPost && t.r.Method == http.MethodGet && !t.v.byRedirect(rec) {
		// The shop expects its POST: send the form first.
		return t.sendBounce(rec)
	}
	if err := t.restore(rec); err != nil {
		return t.malformed(err)
	}
	return t.deliver(rec)
}

// byRedirect: a return of this payment by POST is delivered as a GET, both in the browser's
// second request and by the worker, because the pages of a shop without a backend accept no
// POST.
func (v *Verify) byRedirect(rec *payment.Record) bool {
	m := v.bounce()
	return m == bounceRedirect || m == bounceAuto && rec != nil && rec.Expect.Checkout
}

// bounceResult returns the answer for a record as it is. If the record waits and is due, the
// provider is asked again.
func (t *returnRequest) bounceResult(rec *payment.Record) engine.Result {
	switch rec.State {
	case payment.Verifying, payment.Unknown, payment.Created:
		now, err := t.eng.Await(t.r.Context(), rec.Ref, t.v.route.patience)
		if err == nil {
			rec = now
		}
	}
	kind := engine.KindOf(rec)
	// The pointer proves that the return led here, not that it had any proof. So the answer
	// may say as much as the record's own proof allows.
	bound := kind == engine.OrderPaid || rec.State.Captured() || engine.Proven(rec) || rec.Expect.Source == payment.FromSigned
	return engine.Result{Kind: kind, Record: rec, Bound: bound}
}

// neutral answers a visitor who has the pointer and not its cookie: only the state is shown.
func (t *returnRequest) neutral(rec *payment.Record) error {
	k := pages.Confirming
	switch engine.KindOf(rec) {
	case engine.Duplicate:
		if rec.State == payment.Delivered {
			k = pages.Duplicate
		}
	case engine.Declined, engine.OrderPaid:
		k = pages.Declined
	case engine.Review:
		k = pages.Review
	case engine.Parked:
		k = pages.Parked
	}
	p := t.about(k, rec)
	p.Recorded = true
	return t.write(p, nil)
}

// restore gives the second request of a bounce the return that the first one brought.
func (t *returnRequest) restore(rec *payment.Record) error {
	ret := rec.Return
	if ret == nil {
		return nil
	}
	t.came = t.set
	t.body = ret.Body
	if t.v.byRedirect(rec) || ret.Method != http.MethodPost {
		t.body = nil
	}
	_, query, _ := strings.Cut(ret.URI, "?")
	t.r.URL.RawQuery = query
	set, err := t.v.parse(query, t.body, ret.Type, ret.Address())
	if err != nil {
		return err
	}
	t.set = set
	if t.body != nil {
		t.r.Method = http.MethodPost
		t.r.Header.Set("Content-Type", ret.Type)
	}
	return nil
}

// setBody gives a request a body in place.
func setBody(r *http.Request, body []byte) {
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}
