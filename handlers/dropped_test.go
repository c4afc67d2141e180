package handlers

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// A shop's answer that something behind the shop dropped (`intercept` and a file
// server that takes no POST, for one) leaves nothing in the page that comes in
// its place: a coding would spoil it, and a word to caches show it to others.
func TestADroppedAnswerLeavesNothing(t *testing.T) {
	t.Parallel()
	secret, err := payment.NewSigningKey([]byte("0123456789abcdef0123456789abcdef"), "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := routed("/back")
	at := new(place)
	at.settled(origin{scheme: "https", host: "shop.example.com"}, true)
	h.placed.Store(at)
	r := asked(httptest.NewRequest(http.MethodPost, "https://shop.example.com/back", nil))
	out := httptest.NewRecorder()
	w := newFilter(out)
	w.guards(h, r, passes{})
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		for name, value := range map[string]string{
			"Content-Encoding": "gzip", "Content-Length": "7", "ETag": `"1"`, "Last-Modified": "Sat, 01 Jan 2022 00:00:00 GMT", "Location": "/paid", "Surrogate-Control": "max-age=600",
			"Expires": "Thu, 01 Jan 2099 00:00:00 GMT", "CDN-Cache-Control": "max-age=600", "X-Payment-Ack": "K1", "Allow": "GET", "Set-Cookie": "session=1", "Vary": "Accept",
		} {
			w.Header().Set(name, value)
		}
		return caddyhttp.Error(http.StatusMethodNotAllowed, nil)
	})
	rec := &payment.Record{Ref: "7m2k9q4v8x1c5z3b6n0pthjwr8", Provider: "bank", ID: "K1", Order: "101"}
	handed, panicked, err := h.hand(r.Context(), w, r, next, h.Verify[0], rec, new(params.Set), nil, keys)
	if handed.Acked || panicked != nil || err == nil {
		t.Errorf("%+v, %v, %v", handed, panicked, err)
	}
	var left []string
	for name := range out.Header() {
		left = append(left, name)
	}
	if slices.Sort(left); !slices.Equal(left, []string{"Set-Cookie", "Vary"}) {
		t.Errorf("left: %v", left)
	}
}
