package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/scrub"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/internal/track"
	"github.com/rahgir/caddy-payments/payment"
)

// returnRequest is a customer's return while it is served.
type returnRequest struct {
	h    *Handler
	v    *Verify
	w    http.ResponseWriter
	r    *http.Request
	next caddyhttp.Handler
	eng  *engine.Engine
	keys *token.Keys
	// body and set have the return as it came.
	body []byte
	set  *params.Set
	// came has what the second request of a bounce brought, once set is the first one's.
	came *params.Set
	// ref is the payment that our reference names, as this request brought it.
	ref payment.Ref
	// site is the shop that the browser asked for.
	site site
	// bounced: the browser comes again, sent by our bounce.
	bounced bool
	// cancelled: the return says that its customer chose not to pay.
	cancelled bool
	// mute: the return can be read in two ways, so nothing of it goes to the shop.
	mute bool
	// other: our own reference names a payment of another gateway, which had this path
	// before. The route can't read its parameters.
	other bool
	start time.Time
}

// serveReturn serves a customer's return. Nothing of it reaches the shop before the provider
// has confirmed the payment.
func (h *Handler) serveReturn(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, v *Verify) error {
	// Every answer to a return concerns one person, whether it is a page or a redirect of
	// ours, the shop's, or an error route's.
	privately(w.Header(), forNobody)
	caddyhttp.SetVar(r.Context(), routedVar, true)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		return h.write(w, r, pages.Page{Kind: pages.NotFound, Status: http.StatusMethodNotAllowed}, errors.New("a return must come by GET or POST"))
	case track.Prefetched(r):
		// A browser asks ahead of its person: nothing is claimed for it.
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	t := &returnRequest{h: h, v: v, w: w, r: r, next: next, site: h.siteOf(r), start: time.Now()}
	unclear := t.read()
	if h.nameless(r) {
		return t.malformed(errNameless)
	}
	if unclear != nil && !errors.Is(unclear, params.ErrAmbiguous) {
		return t.malformed(unclear)
	}
	// From here on the return is settled, even if its browser leaves.
	ctx := context.WithoutCancel(r.Context())
	var err error
	if t.eng, t.keys, err = h.ready(ctx); err != nil {
		return t.unavailable(err)
	}
	t.ref, _ = t.keys.OpenRef(t.reference(), t.site.names)
	if t.set != nil && t.set.Has(paramBounce) {
		t.bounced = true
		if t.set.Get(paramBounce) != bounceAgain {
			return t.serveBounce()
		}
	}
	ours, claimed, err := t.ours(ctx, unclear)
	if err != nil && !errors.Is(err, payment.ErrMalformed) {
		return t.unavailable(err)
	}
	t.cancelled = claimed.Cancelled
	var ask engine.Ask
	if err == nil {
		ask, err = t.ask(ours, claimed)
	}
	if err != nil {
		return t.malformed(err)
	}
	failpoint.Hit(failpoint.RequestParsed)
	if asks := ours.asks(ask); len(asks) > 1 {
		return t.askAll(ctx, asks)
	} else if len(asks) == 1 {
		ask = asks[0]
	}
	return t.answer(t.eng.Admit(r.Context(), ask))
}

// read reads body and parameters within their bounds.
func (t *returnRequest) read() error {
	if len(t.r.Header["Content-Type"]) > 1 {
		return fmt.Errorf("%w: two content types", payment.ErrMalformed)
	}
	if !bodyless(t.r) {
		body, err := io.ReadAll(http.MaxBytesReader(t.w, t.r.Body, params.MaxBytes))
		if err != nil {
			return fmt.Errorf("%w: the body cannot be read or is larger than 64 KiB", payment.ErrMalformed)
		}
		t.body = body
		scrub.Trailers(t.r)
		if t.r.Method == http.MethodGet && len(body) > 0 {
			return fmt.Errorf("%w: a GET with a body", payment.ErrMalformed)
		}
	}
	set, err := t.v.parse(t.r.URL.RawQuery, t.body, t.r.Header.Get("Content-Type"), "")
	t.set = set
	return err
}

// ask makes the engine's input from a return.
func (t *returnRequest) ask(ours named, claimed payment.Claimed) (engine.Ask, error) {
	v, h := t.v, t.h
	a := engine.Ask{
		Site: t.site.id, Formerly: t.site.formerly(), Route: v.route.name, Provider: v.Provider, Claimed: claimed, Ref: ours.ref,
		Policy: v.policy(), Return: t.asReturn(), Client: client(t.r), Patience: v.route.patience,
		Bound: t.bound(), Sole: t.sole, Turn: processRecords.pass,
	}
	if t.other {
		a.Bound = nil // its own route knew what it binds
	}
	signed, late, err := t.signature()
	if err != nil {
		return a, err
	}
	named, err := v.route.order.read(t.r, t.set)
	if err != nil {
		return a, err
	}
	a.Order, err = oneOrder(claimed.Order, named, signed)
	if err != nil {
		return a, err
	}
	if v.route.expect == expectLookup && a.Order != "" && !v.route.lookup.Fits(a.Order) {
		return a, fmt.Errorf("%w: the order would change the path of the look-up's address", payment.ErrMalformed)
	}
	a.Lean = v.lean(a.Return)
	a.Proof = signed != nil
	a.Expect = v.expectation(h, a.Order, signed, late)
	a.Asks = v.route.expect == expectLookup && signed == nil
	if v.route.expect == expectLookup && a.Order == "" && a.Ref == "" {
		a.Expect = nil // an intent may still name it
	}
	if v.route.expect == expectNone && claimed.Order == "" {
		a.Expect = nil
	}
	return a, nil
}

// oneOrder refuses a return whose sources name different orders.
func oneOrder(claimed, named string, signed *payment.Signed) (string, error) {
	order := claimed
	if named != "" {
		if order != "" && order != named {
			return "", fmt.Errorf("%w: two parameters name different orders", payment.ErrMalformed)
		}
		order = named
	}
	if signed != nil {
		if order != "" && order != signed.Order {
			return "", fmt.Errorf("%w: the order is not the signed one", payment.ErrMalformed)
		}
		order = signed.Order
	}
	return order, nil
}

// signature reads the shop's signature if the route expects one. Without one, only an intent
// can explain the return.
func (t *returnRequest) signature() (*payment.Signed, bool, error) {
	if t.v.route.expect != expectSigned || !t.set.Has(payment.ParamSignature) {
		return nil, false, nil
	}
	s, err := t.site.readSigned(t.set.Get, t.v, t.keys.All(payment.PurposeReturn))
	if err != nil {
		return nil, false, err
	}
	return &s, time.Now().After(s.Expires), nil
}

// bound compares the shop's own parameters that must name the order.
func (t *returnRequest) bound() func(string) bool {
	if len(t.v.Bind) == 0 {
		return nil
	}
	return func(order string) bool {
		for _, name := range t.v.Bind {
			if value, ok := t.set.Shop(name); !ok || value != order {
				return false
			}
		}
		return true
	}
}

// asReturn returns the return as it is kept for a delivery without its browser.
func (t *returnRequest) asReturn() payment.Return {
	uri, body := t.uncarded()
	return payment.Return{
		Method: t.r.Method, Secure: t.h.secureView(t.r), Host: t.r.Host, URI: uri,
		Type: t.r.Header.Get("Content-Type"), Body: body, Machine: pages.TakesNoPage(t.r), By: visitorOf(t.r),
	}
}

// malformed answers a return that can't be genuine, and alerts the owner, because a
// provider's change of format shows here first.
func (t *returnRequest) malformed(err error) error {
	claimed := t.firstNamed()
	t.h.app.Observe(engine.Event{
		Name: engine.EventMalformed, Site: t.site.id, Provider: t.v.Provider, ID: claimed.ID, Order: claimed.Order,
		Err: fmt.Errorf("%s: %w", t.v.route.name, err), Alert: true,
	})
	if to := t.clean(); to != "" {
		// Nothing of this request is believed; the page goes on to what is.
		return t.write(pages.Page{Kind: pages.Confirming, Status: http.StatusBadRequest, Refresh: to, After: time.Second, ShopURL: t.h.home(t.r)}, err)
	}
	return t.page(pages.Malformed, nil, err)
}

// firstNamed returns the first id and order in a refused return, for a person who looks for
// its payment. Nothing is decided by it.
func (t *returnRequest) firstNamed() payment.Claimed {
	claimed, _ := t.v.route.provider.ReadReturn(func(name string) string { return t.firstOf(name) })
	if claimed.Order == "" {
		claimed.Order = t.firstOf(payment.ParamOrder)
	}
	return claimed
}

func (t *returnRequest) firstOf(name string) string {
	if t.set != nil {
		return t.set.Get(name)
	}
	return firstOf(t.r, t.body, name)
}

// firstOf returns the first value of a parameter, also if the request can be read in two ways.
func firstOf(r *http.Request, body []byte, name string) string {
	if all := params.Values(r.URL.RawQuery, body, name); len(all) > 0 {
		return all[0]
	}
	return ""
}

func (t *returnRequest) unavailable(err error) error {
	t.h.log.Error("a return cannot be recorded", zapRoute(t.v), zap.Error(err))
	return t.comeAgain(pages.Unavailable, err)
}
