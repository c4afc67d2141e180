package handlers

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// The worker gets the page of our own checkout, as the browser does after its
// bounce: a page of files takes no POST. A shop's own payment comes as its bank
// sent it.
func TestTheWorkerGetsAPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, bounce string
		checkout     bool
		want         string
	}{
		{"our checkout", "", true, http.MethodGet}, {"the shop's own", "", false, http.MethodPost},
		{"redirect", bounceRedirect, false, http.MethodGet}, {"resubmit", bounceResubmit, true, http.MethodPost},
	} {
		h := routed("/back")
		at := new(place)
		at.settled(origin{scheme: "https", host: "shop.example.com"}, true)
		h.placed.Store(at)
		h.Verify[0].Bounce = c.bounce
		rec := &payment.Record{Site: "shop.example.com", Return: &payment.Return{Method: http.MethodPost, Host: "shop.example.com", URI: "/back?a=1", Type: "application/x-www-form-urlencoded", Body: []byte("id=K1")}}
		rec.Expect.Checkout = c.checkout
		r, err := h.synthetic(t.Context(), h.Verify[0], rec)
		if err != nil {
			t.Fatal(err)
		}
		if r.Method != c.want || (r.ContentLength > 0) != (c.want == http.MethodPost) {
			t.Errorf("%s: %s with %d bytes, want %s", c.name, r.Method, r.ContentLength, c.want)
		}
	}
}

// The network's form is off whatever reads the address: what follows, and PHP,
// whose REQUEST_URI Caddy makes of the address as it came.
func TestTheFormIsOffEveryAddress(t *testing.T) {
	t.Parallel()
	h := &Handler{Track: []*Track{{conf: trackRoute{param: "track_id"}}}}
	r := httptest.NewRequest(http.MethodGet, "https://shop.test/product-2/track_id=abcdefgh?a=1", nil)
	came := *r
	address := *r.URL
	came.URL = &address
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, came))
	if len(h.takeForms(r)) != 1 {
		t.Fatal("there was no form")
	}
	original, _ := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	for _, got := range []string{r.RequestURI, r.URL.RequestURI(), original.RequestURI, original.URL.RequestURI()} {
		if got != "/product-2?a=1" {
			t.Errorf("%s, want /product-2?a=1", got)
		}
	}
}

// spoken is a provider whose returns have an id and a status.
type spoken struct{ paper }

func (spoken) ReturnParams(r *payment.Record) map[string]string {
	return map[string]string{"id": r.ID, "status": "OK", "card": ""}
}

// The return that is made for an absent customer is what the provider makes of the shop's
// address: its parameters stand behind the shop's own, also behind those that bear one of
// its names. A return as its customer brought it has them already.
func TestAReturnIsMadeAsTheProviderMakesIt(t *testing.T) {
	t.Parallel()
	p := &provider{ProviderInfo: ProviderInfo{Provider: spoken{}, Name: "bank"}}
	h := routed("/back")
	at := new(place)
	at.settled(origin{scheme: "https", host: "shop.example.com"}, true)
	h.placed.Store(at)
	names := params.NewNames("id", "status").Lend("id", "status")
	for _, own := range []string{"", "a=1", "flag", "status=pending", "status=OK", "id=55", "id=", "id=55&status=x&a=1", "a=1&status=1&status=2", "a[]=1&id=K", "id=k1&q=%D8%B3"} {
		rec := &payment.Record{ID: "K1", Site: "shop.example.com", Return: &payment.Return{Host: "shop.example.com", URI: "/back?" + own}}
		r, err := h.returnTo(t.Context(), p, rec)
		if err != nil {
			t.Fatal(err)
		}
		s, err := params.ParseKnown(r.URL.RawQuery, nil, "", names, own)
		if err != nil || s.Get("id") != "K1" || s.Get("status") != "OK" || !strings.HasPrefix(r.URL.RawQuery, own) || s.Has("card") {
			t.Errorf("behind %q: %s, %v", own, r.URL.RawQuery, err)
		}
	}
	for _, came := range []string{"id=K1&status=OK", "a=1&status=NOK&id=K1", "id=K1&status=OK&card=6037"} {
		rec := &payment.Record{ID: "K1", Site: "shop.example.com", Return: &payment.Return{Host: "shop.example.com", URI: "/back?" + came}}
		if r, err := h.returnTo(t.Context(), p, rec); err != nil || r.URL.RawQuery != came {
			t.Errorf("%s came: %s, %v", came, r.URL.RawQuery, err)
		}
	}
}

// A return that is made for an absent customer meets a shop that is down in many ways, none of
// which says anything of its plugin. Every other answer does.
func TestWhatADownShopSays(t *testing.T) {
	t.Parallel()
	answers := func(status int) caddyhttp.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(status); return nil }
	}
	fails := func(err error) caddyhttp.HandlerFunc {
		return func(http.ResponseWriter, *http.Request) error { return err }
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		shop caddyhttp.Handler
		ctx  context.Context
		down bool
	}{
		"200":                {answers(200), t.Context(), false},
		"302":                {answers(302), t.Context(), false},
		"400":                {answers(400), t.Context(), false},
		"404":                {answers(404), t.Context(), false},
		"428":                {answers(428), t.Context(), false},
		"429":                {answers(429), t.Context(), true},
		"430":                {answers(430), t.Context(), false},
		"499":                {answers(499), t.Context(), false},
		"500":                {answers(500), t.Context(), true},
		"503":                {answers(503), t.Context(), true},
		"599":                {answers(599), t.Context(), true},
		"nobody answers":     {fails(nil), t.Context(), false},
		"no connection":      {fails(caddyhttp.Error(http.StatusBadGateway, io.EOF)), t.Context(), true},
		"a time-out":         {fails(caddyhttp.Error(http.StatusGatewayTimeout, context.DeadlineExceeded)), t.Context(), true},
		"an error of no one": {fails(io.EOF), t.Context(), true},
		"error 403":          {fails(caddyhttp.Error(http.StatusForbidden, nil)), t.Context(), false},
		"it breaks off": {caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write([]byte("<html>"))
			return io.ErrUnexpectedEOF
		}), t.Context(), true},
		"it takes too long": {fails(nil), over, true},
	} {
		d := &replayed{said: payment.PageNone}
		r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/cb?o=1", nil).WithContext(c.ctx))
		page := &observedPage{route: new(Observe), id: "K1", said: payment.PageBad, to: d}
		_ = page.serve(routed("/cb"), &discard{header: make(http.Header)}, r, c.shop)
		if (d.down != "") != c.down {
			t.Errorf("%s: %q, want %v", name, d.down, c.down)
		}
	}
}
