package handlers

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// spell writes a path in another way that Caddy takes for the same.
func spell(rng *rand.Rand, p string) string {
	var b strings.Builder
	for _, segment := range strings.Split(strings.TrimPrefix(p, "/"), "/") {
		for range rng.IntN(3) {
			b.WriteString([]string{"/", "/.", "/x/..", "/evil.test/.."}[rng.IntN(4)])
		}
		b.WriteByte('/')
		for _, c := range []byte(segment) {
			switch rng.IntN(6) {
			case 0:
				fmt.Fprintf(&b, "%%%02x", c)
			case 1:
				b.WriteString(strings.ToUpper(string(c)))
			default:
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

// shopBelow is a shop below a path that something takes off, asked for by a spelling of it.
func shopBelow(t *testing.T, public string, at standing, take *rewrite.Rewrite, uri string) (*Handler, *http.Request) {
	t.Helper()
	h := routed("/cb")
	h.server, h.PublicURL = serving("80"), public
	at.hosts = hosts{names: []string{"mall.test"}}
	standAt(t, []*Handler{h}, at)
	r := httptest.NewRequest(http.MethodPost, "http://mall.test/", nil)
	target, err := url.ParseRequestURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	r.URL, r.RequestURI = target, uri
	repl := caddy.NewReplacer()
	r = caddyhttp.PrepareRequest(r, repl, httptest.NewRecorder(), h.server)
	if take != nil {
		take.Rewrite(r, repl)
	}
	return h, r
}

// However a browser spells the path that leads to a shop, its customers are sent back to the
// shop, and its links stay on this host.
func TestEverySpellingOfAShopsPathLeadsBack(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test's
	strip := &rewrite.Rewrite{StripPathPrefix: "/s1"}
	taken := standing{stripped: "/s1", branch: ">/s1/*"}
	for _, shop := range []struct {
		name, public, prefix, seen string
		at                         standing
		take                       *rewrite.Rewrite
	}{
		{"handle_path and public_url", "http://mall.test/s1", "/s1", "/buy/ebook", taken, strip},
		{"handle_path", "", "/s1", "/buy/ebook", taken, strip},
		{"handle", "http://mall.test/s1", "/s1", "/s1/buy/ebook", standing{branch: ">/s1/*"}, nil},
		{"a proxy in front", "http://mall.test/s1", "", "/buy/ebook", standing{}, nil},
		{"handle_path below a proxy", "http://mall.test/in/s1", "/s1", "/buy/ebook", taken, strip},
		{"the whole host", "", "", "/buy/ebook", standing{}, nil},
	} {
		t.Run(shop.name, func(t *testing.T) {
			uris := []string{"/buy/ebook", "//buy/ebook", "/./buy/ebook", "/x/../buy//ebook"}
			if shop.prefix != "" {
				uris = []string{"/s1/buy/ebook", "//s1/buy/ebook", "///s1/buy/ebook", "/./s1/buy/ebook", "/x/../s1/buy/ebook", "/s1//buy/ebook", "/s1/buy//ebook", "//s1/x/../buy/ebook", "/S1/buy/ebook", "/%731/buy/eb%6fok"}
			}
			for range 300 {
				uris = append(uris, spell(rng, shop.prefix+"/buy/ebook"))
			}
			for _, uri := range uris {
				h, r := shopBelow(t, shop.public, shop.at, shop.take, uri)
				if got := caddyhttp.CleanPath(r.URL.Path, true); shop.take != nil && !strings.EqualFold(got, shop.seen) {
					t.Fatalf("%s: the handler sees %s", uri, got)
				}
				public := "http://mall.test"
				if shop.public != "" {
					public = shop.public
				}
				inner := "/cb"
				if shop.seen == "/s1/buy/ebook" { // nothing takes the path off: the handler's paths have it
					inner, public = "/s1/cb", "http://mall.test"
				} else if shop.public == "" {
					public += shop.prefix
				}
				back := h.wayBack(r)
				address := back.address(inner)
				if !strings.EqualFold(address, public+inner) {
					t.Fatalf("%s: customers come back to %s, want %s", uri, address, public+inner)
				}
				if ret := back.asReturn(address); path.Clean(ret.URI) != ret.URI {
					t.Fatalf("%s: the return is %s", uri, ret.URI)
				}
				link := h.linked(r, "/buy/ebook")
				if at, err := url.Parse(link); err != nil || at.Host != "" || path.Clean(at.Path) != at.Path {
					t.Fatalf("%s: a page links to %s", uri, link)
				}
				if a := h.assets(r); a != "" && (path.Clean(a) != a || a[0] != '/') {
					t.Fatalf("%s: pages load from %s", uri, a)
				}
			}
		})
	}
}

// Whatever spelling of its path a shop was asked by, and writes, the return that it announces
// is found.
func TestEverySpellingOfAnAnnouncedReturnLeadsToItsRoute(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test's
	strip := &rewrite.Rewrite{StripPathPrefix: "/s1"}
	for range 300 {
		uri := spell(rng, "/s1/go")
		h, r := shopBelow(t, "http://mall.test/s1", standing{stripped: "/s1", branch: ">/s1/*"}, strip, uri)
		for _, address := range []string{"/s1/cb", "http://mall.test/s1/cb", "http://mall.test/S1/cb", "http://mall.test//s1/cb", "http://mall.test" + spell(rng, "/s1") + "/cb"} {
			if ret, route, err := h.announcedReturn(r, h.Verify[0].route.provider, address); err != nil || ret == nil || route == "" {
				t.Fatalf("%s, %s: %v", uri, address, err)
			}
		}
		for _, address := range []string{"http://mall.test/cb", "http://mall.test/s10/cb", "http://mall.test/s1", "http://mall.test/s1/other", "http://mall.test/s1/../cb", "http://mall.test/s2/cb"} {
			if ret, _, err := h.announcedReturn(r, h.Verify[0].route.provider, address); err == nil {
				t.Fatalf("%s, %s: %+v", uri, address, ret)
			}
		}
	}
}

// A path that a pattern takes off may be anything that a stranger writes.
func TestLinksStayOnThisHost(t *testing.T) {
	t.Parallel()
	take := regexp.MustCompile(`^/+[^/]+/(buy|dl)/`)
	for _, uri := range []string{"//evil.test/dl/a.html", "///evil.test/dl/a.html", `/\evil.test/dl/a.html`, "/%2fevil.test/dl/a.html", "/%5cevil.test/dl/a.html", "/x/dl/a.html", "/./evil.test/dl/a.html", "//evil.test/./dl/a.html"} {
		h, r := shopBelow(t, "", standing{}, nil, uri)
		r.URL.Path = take.ReplaceAllString(r.URL.Path, "/$1/")
		r.URL.RawPath = ""
		for _, link := range []string{h.linked(r, "/buy/ebook"), h.assets(r) + "/font.css"} {
			if strings.HasPrefix(link, "//") || strings.ContainsRune(link, '\\') || link[0] != '/' {
				t.Errorf("%s: a page links to %s", uri, link)
			}
		}
	}
}

// What is below a prefix is told like Caddy tells it.
func TestBeyond(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, prefix, inner string
		ok                  bool
	}{
		{"/s1/cb", "/s1", "/cb", true}, {"//s1//cb", "/s1", "/cb", true}, {"/S1/cb", "/s1", "/cb", true}, {"/%73%31/c%62", "/s1", "/c%62", true},
		{"/x/../s1/cb/", "/s1", "/cb/", true}, {"/s1", "/s1", "", true}, {"/s1/", "/s1", "/", true}, {"/s10/cb", "/s1", "/cb", false}, {"/s", "/s1", "", false},
		{"/", "/s1", "", false}, {"/a/b/cb", "/a/b", "/cb", true}, {"/a/b", "/a/b/c", "", false}, {"/a/B", "/a/b", "", true}, {"//cb", "", "//cb", true},
		{"/%d9%81/cb", "/%D9%81", "/cb", true}, {"/s1/../cb", "/s1", "", false}, {"/s1%2fcb", "/s1", "", false},
	} {
		if inner, ok := beyond(c.path, c.prefix); ok != c.ok || ok && inner != c.inner {
			t.Errorf("%s of %s: %q, %v", c.prefix, c.path, inner, ok)
		}
	}
}
