package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// standAt places handlers as if Caddy had been configured so.
func standAt(t *testing.T, handlers []*Handler, at ...standing) {
	t.Helper()
	where := make(map[*Handler]standing)
	for i, h := range handlers {
		at[i].found, at[i].order = true, i
		where[h] = at[i]
	}
	for i, p := range settle(handlers, where, "") {
		handlers[i].placed.Store(p)
	}
}

func serving(port string) *caddyhttp.Server { return &caddyhttp.Server{Listen: []string{":" + port}} }

// The shop may announce its customer's way back under any name of its site, in
// any spelling; whatever else it says has a reason why not.
func TestAnnouncedReturnComparesOrigins(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	h.server, h.PublicURL, h.Formerly = serving("12112"), "https://pay.test", []string{"https://old.test"}
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test", "www.shop.test", "xn--mgbtj4c7ad63e.test"}}})
	r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test:12112/buy", nil))
	for address, usable := range map[string]bool{
		"http://shop.test:12112/cb": true, "http://www.shop.test:12112/cb": true, "http://shop.test:80/cb": true,
		"https://shop.test:443/cb": true, "http://SHOP.test/cb": true, "http://shop.test./cb": true, "http://shop.test:12112/cb/": true,
		"https://pay.test/cb": true, "https://www.pay.test/cb": true, "https://old.test/cb": true, "http://فروشگاه.test/cb": true,
		"http://xn--mgbtj4c7ad63e.test/cb": true, "//shop.test/cb": true, "/cb": true, "": false,
		"http://shop.test:9/cb": false, "http://else.test/cb": false, "http://shop.test/other": false, "ftp://shop.test/cb": false,
		"http://me@shop.test/cb": false, "cb": false, "http://[::1/cb": false, "mailto:a@shop.test": false,
	} {
		ret, route, why := h.announcedReturn(r, h.Verify[0].route.provider, address)
		if (ret != nil) != usable || (route != "") != usable || (why != nil) != (!usable && address != "") {
			t.Errorf("%s: %+v, %q, %v", address, ret, route, why)
		}
	}
}

// What a proxy in front or a handle_path takes off the path is put on again.
func TestWayBackUnderAPath(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ public, came, seen, address, uri string }{
		"the whole host":         {"https://shop.test", "/buy/mug", "/buy/mug", "https://shop.test/cb", "/cb"},
		"handle_path":            {"https://mall.test/s1", "/s1/buy/mug", "/buy/mug", "https://mall.test/s1/cb", "/s1/cb"},
		"handle":                 {"https://mall.test/s1", "/s1/buy/mug", "/s1/buy/mug", "https://mall.test/cb", "/cb"},
		"another spelling":       {"https://mall.test/s1", "/S1/buy/mug", "/buy/mug", "https://mall.test/S1/cb", "/S1/cb"},
		"a proxy in front":       {"https://mall.test/s1", "/buy/mug", "/buy/mug", "https://mall.test/s1/cb", "/cb"},
		"a path but no such one": {"https://shop.test", "/in/buy/mug", "/buy/mug", "https://shop.test/in/cb", "/in/cb"},
	} {
		t.Run(name, func(t *testing.T) {
			h := routed("/cb")
			h.PublicURL = c.public
			standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"mall.test"}}})
			r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodPost, "https://mall.test"+c.came, nil), caddy.NewReplacer(), nil, nil)
			r.URL.Path = c.seen
			back := h.wayBack(r)
			if got := back.address("/cb"); got != c.address {
				t.Errorf("%s, want %s", got, c.address)
			}
			if got := back.asReturn(c.address).URI; got != c.uri {
				t.Errorf("%s, want %s", got, c.uri)
			}
		})
	}
}

// A record is found by the handler that Caddy would give its customer to, and
// its request carries the record's host.
func TestFindByTheNameOfARecord(t *testing.T) {
	t.Parallel()
	one, wild, moved, path := routed("/cb"), routed("/cb"), routed("/cb"), routed("/cb")
	moved.Formerly = []string{"https://was.test"}
	path.PublicURL = "https://mall.test/s1"
	all := []*Handler{one, wild, moved, path}
	for _, h := range all {
		h.server = serving("80")
	}
	standAt(t, all,
		standing{hosts: hosts{names: []string{"one.a.test"}}}, standing{hosts: hosts{patterns: []string{"*.a.test"}}},
		standing{hosts: hosts{names: []string{"new.test"}}}, standing{hosts: hosts{names: []string{"mall.test"}}})
	s := &Sites{handlers: all, settled: true}
	for site, want := range map[string]*Handler{
		"one.a.test": one, "two.a.test": wild, "new.test": moved, "was.test": moved, "mall.test/s1": path,
		"mall.test": path, // what the host was called before it had paths
		"a.test":    nil, "x.two.a.test": nil, "two.a.test:8080": nil, "two.a.test/s1": nil, "mall.test/s2": nil, "": nil,
	} {
		h, _ := s.find(&payment.Record{Site: site, Provider: "bank", Route: "/cb bank"})
		if h != want {
			t.Errorf("%s: %p, want %p", site, h, want)
		}
	}
	for _, c := range []struct {
		h                 *Handler
		known, site, want string
	}{
		{wild, "two.a.test", "two.a.test", "two.a.test"}, {wild, "three.a.test", "two.a.test", "two.a.test"}, {wild, "", "two.a.test", "two.a.test"},
		{moved, "was.test", "was.test", "new.test"}, {moved, "NEW.test:80", "new.test", "NEW.test:80"}, {one, "", "one.a.test", "one.a.test"},
	} {
		if got := c.h.hostFor(c.known, c.site); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.known, c.site, got, c.want)
		}
	}
}

// A route whose provider was renamed keeps the payments that were begun there; one of another
// gateway or at another path doesn't get them.
func TestARenamedProvidersRouteKeepsItsPayments(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	h.server = serving("80")
	h.Verify[0].route.provider.terms.Issuer = "gate|b|live"
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"one.test"}}})
	s := &Sites{handlers: []*Handler{h}, settled: true}
	for _, c := range []struct {
		provider, route, issuer string
		found                   bool
	}{
		{"bank", "/cb bank", "gate|a|live", true}, {"bank", "", "gate|a|live", true}, {"old", "/cb old", "gate|a|live", true}, {"old", "/cb old", "gate|b|live", true},
		{"old", "/cb old", "other|a|live", false}, {"old", "/cb old", "gate|a|sandbox", false}, {"old", "/else old", "gate|a|live", false}, {"old", "", "gate|a|live", false},
	} {
		r := &payment.Record{Site: "one.test", Provider: c.provider, Route: c.route, Issuer: c.issuer}
		if got, _ := s.find(r); (got != nil) != c.found {
			t.Errorf("%+v: %v", c, got != nil)
		}
		if p, ok := s.Policy(r); ok != c.found || p.Moved != (c.found && c.provider == "old") {
			t.Errorf("%+v: %v %+v", c, ok, p)
		}
	}
}

// Caddy sends a name with a dot behind it past its site to whatever takes any
// name: that is not the site.
func TestLastDotIsNoOtherShop(t *testing.T) {
	t.Parallel()
	h := routed()
	standAt(t, []*Handler{h}, standing{hosts: anyHost, others: hosts{names: []string{"shop.test"}}})
	for host, want := range map[string]string{"shop.test.": "shop.test.", "SHOP.test.:80": "shop.test.", "free.test.": "free.test", "free.test": "free.test"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		if got := h.siteOf(asked(r)).id; got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

// Equal hosts have one spelling, and nothing in a client's Host ends it.
func TestHostName(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"Shop.Test:80": "shop.test", "shop.test.": "shop.test", "[::0:1]:8080": "[::1]", "::1": "[::1]", "127.0.0.1:1": "127.0.0.1",
		"فروشگاه.test": "xn--mgbtj4c7ad63e.test", "a_b.test": "a_b.test", "": "",
	} {
		if got := hostName(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
	for _, host := range []string{"a/b.test", "a?b", "a#b", "a@b", "a\"b", "a\nb", "a%2fb"} {
		if got := hostName(host); strings.ContainsAny(got, "/?#@\"\n") || properHost(got) {
			t.Errorf("%q: %q", host, got)
		}
	}
}

// A scheme's own port, written or not, makes no other shop.
func TestDefaultPortsSayNothing(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://shop.test:443": "https://shop.test", "http://shop.test:80": "http://shop.test", "HTTPS://Shop.Test": "https://shop.test", "https://shop.test:443/one/": "https://shop.test/one",
		"http://shop.test:443": "http://shop.test:443", "https://shop.test:80": "https://shop.test:80", "https://shop.test:8443": "https://shop.test:8443",
	} {
		if o, err := parsePublicURL(address); err != nil || o.String() != want {
			t.Errorf("%s: %s, %v, want %s", address, o, err, want)
		}
	}
}

// A port that only Caddy sees, because something in front maps another to it, stands in
// return addresses, where no customer finds the shop: doctor says so once a browser has
// asked without it.
func TestDoctorSeesAMappedPort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		host, public string
		want         int
	}{
		"by the port":           {"shop.test:12112", "", 0},
		"without a port":        {"shop.test", "", 1},
		"by another port":       {"shop.test:8080", "", 1},
		"with its public_url":   {"shop.test", "https://shop.test", 0},
		"by a name in its case": {"SHOP.test:12112", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := routed("/cb")
			h.server, h.PublicURL = serving("12112"), c.public
			standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
			if found := mapped([]*Handler{h}); len(found) != 0 {
				t.Fatalf("before anybody asked: %v", found)
			}
			r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/buy", nil))
			r.Host = c.host
			h.wayBack(r)
			if found := mapped([]*Handler{h, h}); len(found) != c.want {
				t.Errorf("%v, want %d", found, c.want)
			}
		})
	}
}

// What a program announces leads to the handler as its customer's return will, whatever takes
// the shop's path off: nothing, a `handle_path`, or the proxy in front. The address of another
// shop of the host is refused.
func TestAnAnnouncementLeadsBelowTheShopsPath(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		public, verify string
		at             standing
		back, uri      string
	}{
		"handle_path":                 {"http://mall.test/s1", "/cb", standing{stripped: "/s1", branch: ">/s1/*"}, "http://mall.test/s1/cb", "/s1/cb"},
		"handle_path, a path":         {"http://mall.test/s1", "/cb", standing{stripped: "/s1", branch: ">/s1/*"}, "/s1/cb?o=1", "/s1/cb?o=1"},
		"handle_path, the root's":     {"http://mall.test/s1", "/cb", standing{stripped: "/s1", branch: ">/s1/*"}, "http://mall.test/cb", ""},
		"handle_path, the root's, /":  {"http://mall.test/s1", "/cb", standing{stripped: "/s1", branch: ">/s1/*"}, "/cb", ""},
		"handle":                      {"http://mall.test/s1", "/s1/cb", standing{branch: ">/s1/*"}, "http://mall.test/s1/cb", "/s1/cb"},
		"handle, a path":              {"http://mall.test/s1", "/s1/cb", standing{branch: ">/s1/*"}, "/s1/cb", "/s1/cb"},
		"handle, the root's":          {"http://mall.test/s1", "/s1/cb", standing{branch: ">/s1/*"}, "http://mall.test/cb", ""},
		"handle, a route for all":     {"http://mall.test/s1", "/*", standing{branch: ">/s1/*"}, "http://mall.test/s1/cb", "/s1/cb"},
		"no route around it":          {"http://mall.test/s1", "/s1/cb", standing{}, "http://mall.test/s1/cb", "/s1/cb"},
		"a proxy in front":            {"http://mall.test/s1", "/cb", standing{}, "http://mall.test/s1/cb", "/cb"},
		"a proxy in front, a path":    {"http://mall.test/s1", "/cb", standing{}, "/s1/cb", "/cb"},
		"a proxy and a handle_path":   {"http://mall.test/s1", "/cb", standing{stripped: "/in", branch: ">/in/*"}, "http://mall.test/s1/in/cb", "/in/cb"},
		"handle_path above its path":  {"http://mall.test/s1/in", "/in/cb", standing{stripped: "/s1", branch: ">/s1/*"}, "http://mall.test/s1/in/cb", "/s1/in/cb"},
		"handle_path, the whole host": {"http://mall.test", "/cb", standing{stripped: "/in", branch: ">/in/*"}, "http://mall.test/in/cb", "/in/cb"},
		"the whole host":              {"http://mall.test", "/cb", standing{}, "http://mall.test/cb", "/cb"},
		"another shop's path":         {"http://mall.test/s1", "/cb", standing{stripped: "/s1", branch: ">/s1/*"}, "http://mall.test/s2/cb", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := routed(c.verify)
			h.server, h.PublicURL = serving("80"), c.public
			c.at.hosts = hosts{names: []string{"mall.test"}}
			standAt(t, []*Handler{h}, c.at)
			s := &Sites{handlers: []*Handler{h}, settled: true}
			a, err := s.Announcement(t.Context(), engine.Intent{ID: "K1", Order: "101", Amount: 50_000, Return: c.back})
			got := ""
			if a.Return != nil {
				got = a.Return.URI
			}
			if got != c.uri || (err == nil) != (c.uri != "") {
				t.Errorf("%q, want %q: %v", got, c.uri, err)
			}
		})
	}
}
