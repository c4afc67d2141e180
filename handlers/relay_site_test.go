package handlers

import (
	"net/url"
	"testing"
)

// A relayed shop under a path is found by the callback of its create, whatever takes the
// path off; else nobody makes the return of a customer who stays away.
func TestACallbackUnderAPathFindsItsRoute(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	h.server, h.PublicURL = serving("80"), "http://mall.test/s0"
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"mall.test"}}})
	route := h.Verify[0].route.name
	for name, c := range map[string]struct {
		callback   string
		back       *wayBack
		route, uri string
	}{
		"handle_path":                      {"http://mall.test/s0/cb?o=1", &wayBack{stripped: "/s0"}, route, "/s0/cb?o=1"},
		"handle_path, at a listener":       {"http://mall.test/s0/cb?o=1", nil, route, "/s0/cb?o=1"},
		"the proxy in front":               {"http://mall.test/s0/cb?o=1", &wayBack{front: "/s0"}, route, "/cb?o=1"},
		"the proxy and handle_path":        {"http://mall.test/s0/in/cb", &wayBack{front: "/s0", stripped: "/in"}, route, "/in/cb"},
		"another page":                     {"http://mall.test/s0/cart", &wayBack{stripped: "/s0"}, "", ""},
		"another page, at a listener":      {"http://mall.test/s0/cart", nil, "", ""},
		"a path that only begins so":       {"http://mall.test/s0cb", nil, "", ""},
		"a path below another, escaped":    {"http://mall.test/s0/%63b", &wayBack{stripped: "/s0"}, route, "/s0/%63b"},
		"the prefix and nothing behind it": {"http://mall.test/s0", &wayBack{stripped: "/s0"}, "", ""},
	} {
		u, err := url.Parse(c.callback)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := h.callback(t.Context(), u, "bank", c.back)
		got := ""
		if at.Return != nil {
			got = at.Return.URI
		}
		if at.Route != c.route || got != c.uri {
			t.Errorf("%s: route %q, %q; want %q, %q", name, at.Route, got, c.route, c.uri)
		}
	}
}
