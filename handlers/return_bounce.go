package handlers

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// paramBounce carries the pointer of the second hop.
	paramBounce = "payment_bounce"
	// bounceAgain stands in the pointer's place where a return was only sent
	// again to bring the cookies along.
	bounceAgain = "again"
	// familyHop is the prefix of the second hop's nonce, for a browser that
	// brought no name of its own.
	familyHop = "hop_"
	// cookieBrowser is a random name for this browser: the second hop's nonce,
	// and how a repeated return is known to be the same customer's.
	cookieBrowser = "browser"
	// browserLife is how long a browser keeps its name.
	browserLife = token.PaidLife
)

// browserID returns the browser's random name, giving it one if needed.
func (h *Handler) browserID(w http.ResponseWriter, r *http.Request) string {
	view := h.view(r)
	if id := token.ReadCookie(r, cookieBrowser, view); len(id) >= 16 && len(id) <= 64 {
		return id
	}
	id := token.NewNonce()
	token.SetCookie(w, cookieBrowser, id, browserLife, view)
	return id
}

// sendBounce makes the browser come again from our own site, with the cookies
// that a cross-site POST leaves behind: by a redirect to a GET for payments of
// our checkout, by a form that submits itself for shops that expect their POST.
func (t *visit) sendBounce(rec *payment.Record) error {
	if t.v.byRedirect(rec) {
		t.w.Header().Set("Location", t.hopURL(rec))
		t.w.Header().Set("Cache-Control", forNobody)
		t.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	p := t.about(pages.Bounce, rec)
	p.Action = t.selfURI()
	p.Fields = []pages.Field{{Name: paramBounce, Value: t.pointer(rec)}}
	return t.write(p, nil)
}

// pointer returns the token of the second hop: it leads to the payment for the
// browser that holds the cookie. Using it twice is harmless.
func (t *visit) pointer(rec *payment.Record) string {
	text, err := t.keys.SignBounce(rec.Ref, t.site.id, t.nonce(rec), time.Now())
	if err != nil {
		return ""
	}
	return text
}

// nonce returns what the browser will show with the pointer: its name or, because a
// cross-site POST leaves that behind and giving it another would replace it, a
// cookie for this one payment.
func (t *visit) nonce(rec *payment.Record) string {
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

func hopCookie(rec *payment.Record) string { return familyHop + string(rec.Ref[:paidName]) }

// cookiesToCome reports a return that left the browser's cookies behind.
func (t *visit) cookiesToCome() bool {
	return t.r.Method == http.MethodPost && !t.hopped && t.v.bounce() != bounceOff && !machine(t.r)
}

// sendAgain makes the browser send the same return once more from our own site,
// before the shop sees one that is not delivered: without its session it would
// open another. rec may be nil.
func (t *visit) sendAgain(rec *payment.Record) error {
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

// hopURL returns where a browser asks again by GET.
func (t *visit) hopURL(rec *payment.Record) string {
	uri := t.selfURI()
	sep := "?"
	if strings.Contains(uri, "?") {
		sep = "&"
	}
	return uri + sep + paramBounce + "=" + url.QueryEscape(t.pointer(rec))
}

// selfURI returns the return's own address on this site: path and the shop's own
// query, which the route may need to be found again.
func (t *visit) selfURI() string {
	uri := originalURI(t.r)
	path, query, _ := strings.Cut(uri, "?")
	drop := map[string]string{paramBounce: ""}
	for _, name := range t.v.route.provider.terms.Params {
		drop[name] = ""
	}
	if t.set != nil {
		query, _, _ = t.set.Rewrite(drop)
	}
	path = sameHost(path)
	if query == "" {
		return path
	}
	return path + "?" + query
}

// sameHost returns a path, with or without a query, that leads to no other host in a
// page of ours: one that begins with two slashes would.
func sameHost(uri string) string { return "/" + strings.TrimLeft(uri, "/\\") }

// serveHop serves the second hop, and the refreshes of a waiting page.
func (t *visit) serveHop() error {
	b, err := t.keys.OpenBounce(t.set.Get(paramBounce), t.site.names, time.Now())
	if err != nil {
		return t.page(pages.NotFound, nil, err)
	}
	rec, err := t.eng.Store.Get(t.r.Context(), b.Ref)
	if err != nil || !t.site.is(rec.Site) || rec.Route != "" && rec.Route != t.v.route.name {
		return t.page(pages.NotFound, nil, err)
	}
	view := t.h.view(t.r)
	if !b.Holds(token.ReadCookie(t.r, cookieBrowser, view)) && !b.Holds(token.ReadCookie(t.r, hopCookie(rec), view)) {
		return t.neutral(rec)
	}
	res := t.hopResult(rec)
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

// byRedirect: this payment's POST return ends as a GET, in the browser's second
// hop and in the worker's hand-over alike. The pages of a shop without a backend
// take no POST.
func (v *Verify) byRedirect(rec *payment.Record) bool {
	m := v.bounce()
	return m == bounceRedirect || m == bounceAuto && rec != nil && rec.Expect.Checkout
}

// hopResult returns the answer to a record as it stands; one that waits is asked for
// again if it is due.
func (t *visit) hopResult(rec *payment.Record) engine.Result {
	switch rec.State {
	case payment.Verifying, payment.Unknown, payment.Created:
		now, err := t.eng.Await(t.r.Context(), rec.Ref, t.v.route.patience)
		if err == nil {
			rec = now
		}
	}
	kind := engine.KindOf(rec)
	// The pointer shows that the return led here, not that it had any proof: it is
	// as bound as the record is.
	bound := kind == engine.OrderPaid || rec.State.Captured() || engine.Proven(rec) || rec.Expect.Source == payment.FromSigned
	return engine.Result{Kind: kind, Record: rec, Bound: bound}
}

// neutral returns what a bearer of a pointer gets without its cookie: how it stands,
// and nothing else.
func (t *visit) neutral(rec *payment.Record) error {
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

// restore gives the second hop the return that the first one brought.
func (t *visit) restore(rec *payment.Record) error {
	ret := rec.Return
	if ret == nil {
		return nil
	}
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
