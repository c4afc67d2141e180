package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

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
