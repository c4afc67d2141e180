package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// On a wildcard site the request's Host says which shop it is. What is no host name is
// no shop, and nothing is made for it.
func TestWhatHostsAreShops(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	name := strings.Repeat(label+".", 3) + strings.Repeat("b", 61)
	names := map[string]bool{
		"a.x.test": true, "A.x.test:8080": true, "a.x.test.": true, "a_b.x.test": true, "_a.x.test": true, "1.x.test": true, "a-b.x.test": true,
		"xn--mgbtj4c7ad63e.test": true, "فروشگاه.test": true, "127.0.0.1:80": true, "[::1]:80": true, "localhost": true,
		label + ".test": true, name: true,
		"": false, ".": false, ":80": false, "*.x.test": false, "*": false, ".x.test": false, "a..test": false, "a.x.test..": false,
		"-a.x.test": false, "a-.x.test": false, "a%2a.x.test": false, "a b.x.test": false, "a/b.x.test": false, "a\\b.test": false, "a'b.test": false,
		label + "a.test": false, name + "b": false, strings.Repeat("a.", 5000) + "test": false,
	}
	h := routed("/cb")
	h.server = serving("80")
	standAt(t, []*Handler{h}, standing{hosts: hosts{patterns: []string{"*.x.test"}}})
	for host, proper := range names {
		r := asked(httptest.NewRequest(http.MethodGet, "http://a.x.test/", nil))
		r.Host = host
		if h.nameless(r) == proper {
			t.Errorf("%.80q: nameless %v", host, proper)
		}
	}
	named := routed("/cb")
	named.server, named.PublicURL = serving("80"), "https://shop.test"
	standAt(t, []*Handler{named}, standing{hosts: hosts{patterns: []string{"*.x.test"}}})
	r := asked(httptest.NewRequest(http.MethodGet, "http://a.x.test/", nil))
	r.Host = "*.x.test"
	if named.nameless(r) {
		t.Error("the configuration names the shop, and its request is refused by its Host")
	}
}

// The routes of a wildcard site refuse such a request before anything is made of it.
func TestNamelessRequestsMakeNothing(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	h.server = serving("80")
	h.app = idle{}
	standAt(t, []*Handler{h}, standing{hosts: hosts{patterns: []string{"*.x.test"}}})
	c := &Checkout{Path: "/buy"}
	serve := map[string]func(http.ResponseWriter, *http.Request) error{
		"checkout": func(w http.ResponseWriter, r *http.Request) error { return h.serveCheckout(w, r, c, &ware{}) },
		"return":   func(w http.ResponseWriter, r *http.Request) error { return h.serveReturn(w, r, nil, h.Verify[0]) },
	}
	for name, f := range serve {
		for _, host := range []string{"*.x.test", ".x.test", ""} {
			r := asked(httptest.NewRequest(http.MethodPost, "http://a.x.test/", nil))
			r.Host = host
			w := httptest.NewRecorder()
			if err := f(w, r); err != nil || w.Code != http.StatusBadRequest {
				t.Errorf("%s, %q: %v, %d", name, host, err, w.Code)
			}
		}
	}
	r := asked(httptest.NewRequest(http.MethodPost, "http://a.x.test/", nil))
	r.Host = "*.x.test"
	header := http.Header{headerOrder: {"1"}, headerAmount: {"50000"}, headerID: {"K1"}}
	a := announcement{provider: h.Verify[0].route.provider, id: "K1", order: "1"}
	if err := h.readAnnouncement(r, &a, header); err == nil || a.amount != 0 {
		t.Errorf("announced: %+v, %v", a, err)
	}

	seen := numberedShop(t, "3714061849", "/cb")
	seen.app = idle{}
	standAt(t, []*Handler{seen}, standing{hosts: hosts{patterns: []string{"*.x.test"}}})
	reached := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		t.Error("the shop's page was reached")
		return nil
	})
	r = asked(httptest.NewRequest(http.MethodGet, "http://a.x.test:12112/cb?Authority=1", nil))
	r.Host = "*.x.test"
	w := httptest.NewRecorder()
	if err := seen.route(w, r, reached, true); err != nil || w.Code != http.StatusBadRequest {
		t.Errorf("observed: %v, %d", err, w.Code)
	}
}
