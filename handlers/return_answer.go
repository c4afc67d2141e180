package handlers

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/inert"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// answer turns the engine's result into the answer for the browser.
func (t *returnRequest) answer(res engine.Result) error {
	switch res.Kind {
	case engine.Verified:
		return t.verified(res.Record)
	case engine.Duplicate:
		return t.duplicate(res)
	case engine.Declined:
		return t.declined(res)
	case engine.Pending:
		return t.pending(res)
	case engine.Parked:
		return t.page(pages.Parked, res.Record, nil)
	case engine.Review:
		if t.v.Declined.mode() == answerPass && res.Bound {
			return t.pass("review", res.Record, true)
		}
		return t.page(reviewKind(res.Record), res.Record, nil)
	case engine.OrderPaid:
		if !res.Bound {
			// A stranger must not learn that there is such an order: the answer is the
			// one that any other unpaid payment gets.
			return t.declined(engine.Result{Kind: engine.Declined})
		}
		return t.page(pages.OrderPaid, nil, nil)
	case engine.Ambiguous:
		return t.malformed(res.Err)
	case engine.Foreign:
		return t.page(pages.Malformed, nil, res.Err) // the engine has told why
	case engine.Busy:
		return t.comeAgain(pages.Busy, res.Err)
	case engine.Unavailable:
	}
	return t.unavailable(cmp.Or(res.Err, payment.ErrClosed))
}

func reviewKind(r *payment.Record) pages.Kind {
	if r != nil && r.Reason == payment.ReasonReturned {
		return pages.NotTaken
	}
	return pages.Review
}

// verified delivers the payment. If the browser's cookies are still missing, it sends a
// bounce first.
func (t *returnRequest) verified(rec *payment.Record) error {
	if !payment.SameMoney(rec.Issuer, t.v.route.provider.terms.Issuer) {
		return t.confirming(rec) // this route is another gateway's now: the worker hands it over by its own
	}
	if pages.TakesNoPage(t.r) {
		return t.confirming(rec) // it is handed over to the customer, who has a browser
	}
	if t.r.Method == http.MethodPost && t.v.bounce() != bounceOff {
		return t.sendBounce(rec)
	}
	return t.deliver(rec)
}

func (t *returnRequest) declined(res engine.Result) error {
	a := t.v.Declined
	switch a.mode() {
	case answerPass:
		if bound := t.bound(); bound != nil && !bound(t.orderOf(res.Record)) {
			break // the shop is not told of an order by a return that names another
		}
		return t.pass("declined", res.Record, res.Bound)
	case answerRedirect:
		return t.redirect(a.To)
	}
	rec := res.Record
	if !res.Bound {
		// Its reference would tell of an order that is not paid from one that is
		// paid, or that the shop doesn't know, neither of which has one.
		rec = nil
	}
	if t.cancelled { // not by the record's reason: some codes behind ReasonCancelled are a bank's refusal, too
		return t.page(pages.Cancelled, rec, nil)
	}
	return t.page(pages.Declined, rec, nil)
}

// pending answers 202. The page asks again with a pointer to the record or, if nothing was
// recorded, by sending the same return again.
func (t *returnRequest) pending(res engine.Result) error {
	if t.v.Declined.mode() == answerPass && res.Bound && res.Record != nil {
		return t.pass("pending", res.Record, true)
	}
	if res.Record == nil {
		return t.comeAgain(pages.Confirming, nil)
	}
	p := t.about(pages.Confirming, res.Record)
	p.Recorded = true
	p.Refresh = t.bounceURL(res.Record)
	return t.write(p, nil)
}

// waited returns how long the customer of a payment has waited since the return came.
func waited(rec *payment.Record) time.Duration {
	if rec.Return == nil || rec.Return.Arrived.IsZero() {
		return 0
	}
	return max(time.Since(rec.Return.Arrived), 0)
}

// comeAgain answers a return that was not recorded, with a page that sends the same return
// again.
func (t *returnRequest) comeAgain(k pages.Kind, cause error) error {
	p := t.blank(k)
	uri, body := t.uncarded()
	if t.r.Method == http.MethodPost {
		p.Action, p.Fields = sameHost(uri), fieldsOf(body)
	} else {
		p.Refresh = sameHost(uri)
	}
	return t.write(p, cause)
}

// duplicate answers a return whose payment another request delivers or has delivered.
func (t *returnRequest) duplicate(res engine.Result) error {
	rec := res.Record
	if rec.State == payment.Delivering {
		left := t.v.route.patience - time.Since(t.start)
		settled, err := t.eng.Await(t.r.Context(), rec.Ref, left)
		if err != nil {
			return t.unavailable(err)
		}
		rec = settled
	}
	switch rec.State {
	case payment.Verified:
		return t.verified(rec)
	case payment.Parked:
		return t.page(pages.Parked, rec, nil)
	case payment.Delivering:
		if t.v.policy().Once || t.eng.Store.Alive(rec.Lease) || pages.TakesNoPage(t.r) {
			return t.pending(engine.Result{Record: rec, Bound: res.Bound})
		}
		return t.deliver(rec) // the shop dedupes: no need to wait for the worker
	}
	a := t.v.Duplicate
	switch a.mode() {
	case answerPass:
		return t.pass("duplicate", rec, res.Bound)
	case answerRedirect:
		return t.redirect(a.To)
	}
	if a == nil && rec.Delivery.Location != "" {
		if t.sameBrowser(rec) || t.buyer(rec) {
			return t.redirect(rec.Delivery.Location)
		}
		if t.cookiesToCome() {
			return t.sendAgain(rec)
		}
	}
	if rec.Expect.Checkout && rec.State == payment.Delivered && (rec.Delivery.Status == http.StatusNotFound || t.buyer(rec)) {
		// There was no page of the site's; or somebody else, such as a program that looks
		// at links, was told before the one who paid.
		return t.page(pages.Thanks, rec, nil)
	}
	return t.page(pages.Duplicate, rec, nil)
}

// orderOf returns the order of a return's payment or, if that has no record, the order that
// the return claims.
func (t *returnRequest) orderOf(rec *payment.Record) string {
	if rec != nil {
		return rec.Order
	}
	claimed, _ := t.v.route.provider.ReadReturn(t.set.Get)
	return claimed.Order
}

// sameBrowser: this is the browser of the first delivery.
func (t *returnRequest) sameBrowser(rec *payment.Record) bool {
	id := token.ReadCookie(t.r, cookieBrowser, t.h.view(t.r))
	return id != "" && rec.Delivery.Browser != "" && token.Hash(id) == rec.Delivery.Browser
}

// buyer: this is the browser that was sent to pay, by the cookie of our checkout or of the
// shop's announcement.
func (t *returnRequest) buyer(rec *payment.Record) bool {
	return t.h.boughtHere(t.r, t.keys, rec.Ref) || slices.ContainsFunc(t.h.pending(t.r, t.keys), func(c token.Named) bool {
		ref, err := t.keys.OpenRef(c.Value, t.site.names)
		return err == nil && ref == rec.Ref
	})
}

// blank returns a page that names no payment.
func (t *returnRequest) blank(k pages.Kind) pages.Page {
	tr := t.v.route.provider.terms
	return pages.Page{Kind: k, Refunds: tr.GivesBack, Test: tr.Environment == "sandbox", ShopURL: t.h.home(t.r)}
}

// about returns a page about a record, with what this visitor may know of it.
func (t *returnRequest) about(k pages.Kind, rec *payment.Record) pages.Page {
	p := t.blank(k)
	if !t.shows(rec) {
		return p
	}
	p.Ref = rec.Ref
	if set := t.brought(); set != nil && set.Has(token.ParamRef) {
		p.Address = t.selfURI() // our reference finds the payment without the rest
	}
	switch {
	case k == pages.Thanks:
		p.Amount = rec.HandedAmount()
		p.Titles, p.Quantity = t.h.soldTitles(rec), rec.Expect.Quantity
	case k == pages.Confirming:
		p.Since = waited(rec)
	case rec.Expect.Checkout && (k == pages.Declined || k == pages.Cancelled):
		p.Retry = t.h.linked(t.r, t.h.retryURL(rec))
	}
	return p
}

func (t *returnRequest) page(k pages.Kind, rec *payment.Record, cause error) error {
	return t.write(t.about(k, rec), cause)
}

// write sends one of our pages. If the site wants that, it passes 4xx and 5xx to the site's
// handle_errors.
func (t *returnRequest) write(p pages.Page, cause error) error {
	return t.h.write(t.w, t.r, p, cause)
}

// unclaimed removes query, body and cookies of a return before an error route gets the request.
//
// Invariant: that route's handlers may be the shop's own, and nothing of a return reaches the shop
// before the provider has confirmed it, by whatever method the return came and whichever of our
// pages is the error. A gate's page keeps the visitor's query if no provider's parameter is in it.
func (h *Handler) unclaimed(r *http.Request, p pages.Page) {
	carries := slices.ContainsFunc(h.Verify, func(v *Verify) bool { return v.route.guarded.Carries(r.URL.RawQuery) })
	for _, v := range h.Verify {
		v.withoutCookies(r)
	}
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
	r.Header.Del("Content-Length")
	r.Header.Del("Content-Type")
	if (p.Kind == pages.NeedPayment || p.Kind == pages.DevicesExceeded) && !carries {
		return
	}
	r.URL.RawQuery, r.URL.ForceQuery = "", false
	r.RequestURI = r.URL.RequestURI()
	// Caddy gives its error routes the request that it has stored.
	*r = *r.WithContext(changeOriginal(r.Context(), func(original *http.Request) { original.URL.RawQuery, original.URL.ForceQuery = "", false }))
}

// toErrorRoutes reports whether the site's handle_errors answers in place of a page.
func (h *Handler) toErrorRoutes(p pages.Page) bool {
	return h.Errors == "caddy" && statusOf(p) >= http.StatusBadRequest && p.Kind != pages.Checkout && p.Kind != pages.FindReceipt
}

func statusOf(p pages.Page) int { return cmp.Or(p.Status, p.Kind.Status()) }

func (h *Handler) write(w http.ResponseWriter, r *http.Request, p pages.Page, cause error) error {
	status := statusOf(p)
	if refuses(p, status) {
		defer processTurnstile.pass(r.Context())()
	}
	if h.toErrorRoutes(p) {
		h.unclaimed(r, p)
		if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
			repl.Set(placeholderPrefix+"answer", string(p.Kind))
		}
		w.Header().Set("Cache-Control", forNobody) // the error routes' guard keeps to it
		return caddyhttp.Error(status, cmp.Or(cause, errors.New(string(p.Kind))))
	}
	p.Theme, p.Assets, p.Lang = h.theme(r), h.assets(r), h.chosenLang(r)
	if h.own.write(w, r, p, h.log) {
		return nil
	}
	pages.Write(w, r, p)
	return nil
}

// redirect answers a return with a redirect. No cache may keep it, because the address and
// the cookies belong to one customer.
func (t *returnRequest) redirect(to string) error {
	t.w.Header().Set("Cache-Control", forNobody)
	inert.Redirect(t.w, t.r, to, http.StatusSeeOther)
	return nil
}

// fieldsOf returns a form's fields in the order in which they came, to be sent again.
func fieldsOf(body []byte) []pages.Field {
	var fields []pages.Field
	for pair := range strings.SplitSeq(string(body), "&") {
		name, value, _ := strings.Cut(pair, "=")
		n, err := url.QueryUnescape(name)
		if err != nil || n == "" {
			continue
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			continue
		}
		fields = append(fields, pages.Field{Name: n, Value: v})
	}
	return fields
}
