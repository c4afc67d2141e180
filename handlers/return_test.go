package handlers

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// paper is a provider that is never asked.
type paper struct{ payment.Provider }

func (paper) ReadReturn(get func(string) string) (payment.Claimed, error) {
	return payment.Claimed{ID: get("id")}, nil
}

func (paper) ReturnParams(*payment.Record) map[string]string { return nil }

// routed is a site with a verify route for each path, all of one provider.
func routed(paths ...string) *Handler {
	h := &Handler{app: idle{}, log: zap.NewNop()}
	for _, path := range paths {
		v := &Verify{Match: Match{Paths: []string{path}}, Provider: "bank"}
		v.filter = newPathFilter(v.Paths)
		_ = v.filter.matcher.Provision(caddy.Context{})
		v.route = verifyRoute{
			name: path + " bank", guarded: params.NewNames("id", paramBounce),
			provider: &provider{ProviderInfo: ProviderInfo{Provider: paper{}, Name: "bank"}, terms: payment.Terms{Protocol: payment.Protocol{Params: []string{"id"}}}},
		}
		h.Verify = append(h.Verify, v)
	}
	return h
}

func asked(r *http.Request) *http.Request {
	ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, make(map[string]any))
	ctx = context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())
	return r.WithContext(ctx)
}

// A return that cannot be recorded now comes again, with all that it brought.
func TestWhatCannotBeRecordedComesAgain(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	body := url.Values{"id": {"K1"}, "mine": {"5"}}
	r := asked(httptest.NewRequest(http.MethodPost, "https://shop/back?a=1", strings.NewReader(body.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	if err := h.serveReturn(w, r, nil, h.Verify[0]); err != nil || w.Code != http.StatusServiceUnavailable {
		t.Fatal(w.Code, err)
	}
	page := w.Body.String()
	for _, want := range []string{`action="/back?a=1"`, `name="id" value="K1"`, `name="mine" value="5"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
	r = asked(httptest.NewRequest(http.MethodGet, "https://shop/back?id=K1&a=1", nil))
	r.Header.Set("Accept", "text/html")
	w = httptest.NewRecorder()
	if err := h.serveReturn(w, r, nil, h.Verify[0]); err != nil || !strings.Contains(w.Body.String(), `url=/back?id=K1&amp;a=1"`) {
		t.Errorf("a GET: %v\n%s", err, w.Body)
	}
}

// A page that sends a return again sends it to the same host, whatever the path
// looks like.
func TestAReturnComesAgainToItsOwnHost(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	for _, path := range []string{"//evil.test/back", "/\\evil.test/back", "///evil.test", "/back"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			var body io.Reader
			if method == http.MethodPost {
				body = strings.NewReader("id=K1")
			}
			r := asked(httptest.NewRequest(method, "https://shop/?id=K1", body))
			r.URL.Path = path
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept", "text/html")
			w := httptest.NewRecorder()
			if err := h.serveReturn(w, r, nil, h.Verify[0]); err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{`="//`, `="/\`, `url=//`, `url=/\`} {
				if strings.Contains(w.Body.String(), bad) {
					t.Errorf("%s %s: the page has %s", method, path, bad)
				}
			}
		}
	}
}

// The route that an announcement names must be the one that takes the return.
func TestAnnouncedReturnFindsItsRoute(t *testing.T) {
	t.Parallel()
	h := routed("/a", "/بازگشت/*", "/Pay/Back", "/odd/*/x")
	r := asked(httptest.NewRequest(http.MethodGet, "https://shop/buy", nil))
	for address, want := range map[string]string{
		"https://shop/a?x=1":                      "/a bank",
		"https://shop/بازگشت/1?x=1":               "/بازگشت/* bank",
		"/%D8%A8%D8%A7%D8%B2%DA%AF%D8%B4%D8%AA/1": "/بازگشت/* bank",
		"https://shop/pay/back#done":              "/Pay/Back bank",
		"https://shop/odd/1/x":                    "/odd/*/x bank",
		"https://shop/other":                      "",
		"https://shop/a/../other":                 "",
		"https://elsewhere/a":                     "",
	} {
		ret, route, why := h.announcedReturn(r, h.Verify[0].route.provider, address)
		if route != want || (ret == nil) != (want == "") || (ret == nil) != (why != nil) {
			t.Errorf("%s: %q, %v, want %q", address, route, why, want)
		}
		if ret != nil && strings.Contains(ret.URI, "#") {
			t.Errorf("%s: %s", address, ret.URI)
		}
	}
}

// So must the one that a checkout's return address leads to.
func TestCheckoutFindsTheRouteOfItsReturn(t *testing.T) {
	t.Parallel()
	h := routed("/a", "/بازگشت/*")
	bank := func() *gateway { return &gateway{provider: &provider{ProviderInfo: ProviderInfo{Name: "bank"}}} }
	g := bank()
	if err := g.findReturn("/بازگشت/1?lang=fa", h); err != nil || g.route != h.Verify[1] {
		t.Errorf("%v, %+v", err, g.route)
	}
	g = bank()
	if err := g.findReturn("/a/../other", h); err == nil {
		t.Errorf("no route takes it, but %s", g.route.route.name)
	}
}

// A record's reason may be a code that a bank's refusal has, too: a customer whose card
// was refused is not told that they have cancelled.
func TestCancelledIsWhatTheReturnSays(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	rec := &payment.Record{Ref: payment.NewRef("shop", "x", "K1", "101"), State: payment.Declined, Reason: payment.ReasonCancelled}
	for cancelled, title := range map[bool]string{true: "The payment was cancelled", false: "The payment did not go through"} {
		r := asked(httptest.NewRequest(http.MethodGet, "https://shop/back?id=K1", nil))
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Accept-Language", "en")
		w := httptest.NewRecorder()
		v := &returnRequest{h: h, v: h.Verify[0], w: w, r: r, cancelled: cancelled}
		if err := v.answer(engine.Result{Kind: engine.Declined, Record: rec, Bound: true}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(w.Body.String(), title) {
			t.Errorf("cancelled %v: the page does not say %q", cancelled, title)
		}
	}
}

// 3.4: a stranger who invents an id learns nothing about the order that it names.
func TestDeclinedTellsNoStrangerOfAnOrder(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	page := func(res engine.Result) string {
		r := asked(httptest.NewRequest(http.MethodGet, "https://shop/back?id=K1", nil))
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		v := &returnRequest{h: h, v: h.Verify[0], w: w, r: r}
		if err := v.answer(res); err != nil {
			t.Fatal(err)
		}
		return w.Body.String()
	}
	known := &payment.Record{Ref: payment.NewRef("shop", "x", "K1", "101"), State: payment.Declined, Expect: payment.Expectation{Source: payment.FromLookup, Amount: 1}}
	unknown := page(engine.Result{Kind: engine.Declined, Err: engine.ErrUnknownOrder})
	if page(engine.Result{Kind: engine.Declined, Record: known}) != unknown {
		t.Error("an order that exists looks different from one that does not")
	}
	if page(engine.Result{Kind: engine.OrderPaid, Record: known}) != unknown {
		t.Error("an order that is paid looks different from one that does not exist")
	}
	if page(engine.Result{Kind: engine.OrderPaid, Record: known, Bound: true}) == unknown {
		t.Error("its own customer does not hear that the order is paid")
	}
	if page(engine.Result{Kind: engine.Declined, Record: known, Bound: true}) == unknown {
		t.Error("its own customer gets no reference")
	}
}
