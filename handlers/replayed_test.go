package handlers

import (
	"context"
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
