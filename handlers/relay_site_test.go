package handlers

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// A relayed shop under a path is found by the callback of its create, whatever takes the
// path off; else nobody makes the return of a customer who stays away.
func TestACallbackUnderAPathFindsItsRoute(t *testing.T) {
	t.Parallel()
	shop := func(stripped string) *Handler {
		h := routed("/cb")
		h.server, h.PublicURL = serving("80"), "http://mall.test/s0"
		standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"mall.test"}}, stripped: stripped})
		return h
	}
	inside, behind := shop("/s0"), shop("")
	route := inside.Verify[0].route.name
	for name, c := range map[string]struct {
		callback   string
		back       *wayBack
		route, uri string
	}{
		"handle_path":                      {"http://mall.test/s0/cb?o=1", &wayBack{stripped: "/s0"}, route, "/s0/cb?o=1"},
		"handle_path, at a listener":       {"http://mall.test/s0/cb?o=1", nil, route, "/s0/cb?o=1"},
		"a proxy, at a listener":           {"http://mall.test/s0/cb?o=1", nil, route, "/cb?o=1"},
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
		h := inside
		if strings.HasPrefix(name, "a proxy") || c.back != nil && c.back.stripped != "/s0" {
			h = behind
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

// A callback is the shop's whose address it carries furthest: neither a block at the host's
// root, nor a wildcard, nor a shop on another port, takes it from a longer path. Only where
// the addresses are equally long, the route that takes it tells. What was declared first
// makes no difference.
func TestACallbackIsTheShopsWhoseAddressItCarries(t *testing.T) {
	t.Parallel()
	type block struct {
		handler *Handler
		at      standing
	}
	shop := func(public, port, host string, formerly []string, paths ...string) block {
		h := routed(paths...)
		h.server, h.PublicURL, h.Formerly = serving(port), public, formerly
		if port == "443" {
			h.server.TLSConnPolicies = caddytls.ConnectionPolicies{{}}
		}
		at := hosts{names: []string{host}}
		if host[0] == '*' {
			at = hosts{patterns: []string{host}}
		}
		return block{h, standing{hosts: at}}
	}
	for name, c := range map[string]struct {
		blocks              []block
		callback, id, route string
	}{
		"beside a guard at the root":        {[]block{shop("http://mall.test/s1", "80", "mall.test", nil, "/cb"), shop("", "80", "mall.test", nil)}, "http://mall.test/s1/cb", "mall.test/s1", "/cb bank"},
		"beside a guard with a public_url":  {[]block{shop("http://mall.test/s1", "80", "mall.test", nil, "/cb"), shop("http://mall.test", "80", "mall.test", nil)}, "http://mall.test/s1/cb", "mall.test/s1", "/cb bank"},
		"beside a root that takes all":      {[]block{shop("http://mall.test/s1", "80", "mall.test", nil, "/cb"), shop("", "80", "mall.test", nil, "/*")}, "http://mall.test/s1/cb", "mall.test/s1", "/cb bank"},
		"no route below the longer path":    {[]block{shop("http://mall.test/s1", "80", "mall.test", nil), shop("", "80", "mall.test", nil, "/*")}, "http://mall.test/s1/cb", "mall.test/s1", ""},
		"the root's own":                    {[]block{shop("http://mall.test/s1", "80", "mall.test", nil, "/cb"), shop("", "80", "mall.test", nil, "/cb")}, "http://mall.test/cb", "mall.test", "/cb bank"},
		"a path that only begins so":        {[]block{shop("http://mall.test/s1", "80", "mall.test", nil, "/cb"), shop("", "80", "mall.test", nil, "/s1b")}, "http://mall.test/s1b", "mall.test", "/s1b bank"},
		"a path in a path":                  {[]block{shop("http://mall.test/s1/in", "80", "mall.test", nil, "/cb"), shop("http://mall.test/s1", "80", "mall.test", nil, "/in/cb")}, "http://mall.test/s1/in/cb", "mall.test/s1/in", "/cb bank"},
		"another spelling of the path":      {[]block{shop("http://mall.test/s1", "80", "mall.test", nil, "/cb"), shop("", "80", "mall.test", nil)}, "http://mall.test/S1/cb", "mall.test/s1", "/cb bank"},
		"a port that something maps":        {[]block{shop("http://mall.test:8080/s1", "8080", "mall.test", nil, "/cb"), shop("", "8080", "mall.test", nil)}, "http://mall.test/s1/cb", "mall.test:8080/s1", "/cb bank"},
		"ports that something maps":         {[]block{shop("", "8080", "a.test", nil, "/cb"), shop("", "8081", "a.test", nil)}, "http://a.test/cb", "a.test:8080", "/cb bank"},
		"the port's own":                    {[]block{shop("", "8080", "a.test", nil, "/cb"), shop("", "8081", "a.test", nil)}, "http://a.test:8081/cb", "a.test:8081", ""},
		"two blocks of one shop":            {[]block{shop("", "80", "a.test", nil, "/cb"), shop("", "80", "a.test", nil)}, "http://a.test/cb", "a.test", "/cb bank"},
		"a name of a wildcard":              {[]block{shop("", "80", "a.x.test", nil), shop("", "80", "*.x.test", nil, "/cb")}, "http://a.x.test/cb", "a.x.test", ""},
		"a wildcard's own":                  {[]block{shop("", "80", "a.x.test", nil), shop("", "80", "*.x.test", nil, "/cb")}, "http://b.x.test/cb", "b.x.test", "/cb bank"},
		"a wildcard behind another port":    {[]block{shop("", "8080", "*.x.test", nil, "/cb")}, "http://b.x.test/cb", "b.x.test:8080", "/cb bank"},
		"the name that a shop had":          {[]block{shop("http://b.test", "80", "b.test", []string{"http://a.test"}, "/cb"), shop("", "8080", "a.test", nil, "/cb")}, "http://a.test/cb", "b.test", "/cb bank"},
		"the path that a shop had":          {[]block{shop("http://a.test/new", "80", "a.test", []string{"http://a.test/old"}, "/cb"), shop("", "80", "a.test", nil)}, "http://a.test/old/cb", "a.test", ""},
		"the www name of a shop":            {[]block{shop("", "80", "a.test", nil, "/cb")}, "http://www.a.test/cb", "a.test", "/cb bank"},
		"the bare name of a www shop":       {[]block{shop("", "80", "www.a.test", nil, "/cb")}, "http://a.test/cb", "www.a.test", "/cb bank"},
		"the www name of a shop and a path": {[]block{shop("http://a.test/s1", "80", "a.test", nil, "/cb"), shop("", "80", "a.test", nil)}, "http://www.a.test/s1/cb", "a.test/s1", "/cb bank"},
		"a www shop of its own":             {[]block{shop("", "80", "a.test", nil, "/cb"), shop("", "80", "www.a.test", nil)}, "http://www.a.test/cb", "www.a.test", ""},
		"www of another port":               {[]block{shop("", "8080", "a.test", nil, "/cb"), shop("", "8081", "a.test", nil, "/cb")}, "http://www.a.test:8081/cb", "a.test:8081", "/cb bank"},
		"a secure block beside a plain one": {[]block{shop("", "443", "a.test", nil, "/cb"), shop("", "80", "a.test", nil)}, "https://a.test/cb", "a.test", "/cb bank"},
	} {
		for _, turned := range []bool{false, true} {
			if turned {
				slices.Reverse(c.blocks)
			}
			var all []*Handler
			var at []standing
			for _, b := range c.blocks {
				all, at = append(all, b.handler), append(at, b.at)
			}
			standAt(t, all, at...)
			u, err := url.Parse(c.callback)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := (&Sites{handlers: all, settled: true}).Callback(t.Context(), u, "bank")
			if !ok || got.ID != c.id || got.Route != c.route || (got.Return != nil) != (c.route != "") {
				t.Errorf("%s, turned %v: %v, site %q, route %q; want %q, %q", name, turned, ok, got.ID, got.Route, c.id, c.route)
			}
		}
	}
}

// A callback of a name that is nobody's stays so.
func TestACallbackOfNobodysName(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	h.server = serving("80")
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"a.test"}}})
	for _, callback := range []string{"http://b.test/cb", "http://www.b.test/cb", "http://www.www.a.test/cb", "http://wwwa.test/cb", "http://shop.a.test/cb", "http://www./cb", "http://./cb", "http://:80/cb"} {
		u, err := url.Parse(callback)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := (&Sites{handlers: []*Handler{h}, settled: true}).Callback(t.Context(), u, "bank"); ok {
			t.Errorf("%s is said to be of %s", callback, at.ID)
		}
	}
}
