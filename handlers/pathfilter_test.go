package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// FuzzPathFilter: whatever pattern and path are, our answer is that of Caddy's
// own matcher.
func FuzzPathFilter(f *testing.F) {
	for _, pattern := range []string{
		"/callback", "/Callback", "/back/*", "/a*b", "/a*b*", "/back/*/a", "/b?ck/*", "/a*%20", "/a*{http.request.method}", "*", "*.php", "*/x/*", "/x?", "/[ab]", "/a//b", "/a//*", "/%2f", "/a%20*", "/پرداخت", "/پ*",
		"/a.b", "/a.", "/a./b", "/a ", "/a/.", "/", "/*", `/a\b`, "/{http.request.method}", "/a]", "a", "", "/a/b/", "/product/* /landing/*",
	} {
		for _, path := range []string{
			"/callback", "/CALLBACK", "/callback/", "//callback", "/./callback", "/x/../callback", "/callback.", "/callback ", "/callback%20", "/back/", "/back",
			"/back/a/../..", "/back//a", "/a.b", "/a../b", "/a./b", "/a /b", "/.a", "/a.", "/پرداخت", "/پرداختی", `/a\b`, "/a%2fb", "", "*", "a", "/K", "/ſ", "/", "/a]",
		} {
			f.Add(pattern, path)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		patterns := strings.Split(pattern, " ")
		ours := newPathFilter(patterns)
		theirs := caddyhttp.MatchPath(slices.Clone(patterns))
		for _, m := range []caddyhttp.MatchPath{ours.matcher, theirs} {
			if err := m.Provision(caddy.Context{}); err != nil {
				t.Fatal(err)
			}
		}
		ctx := context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewReplacer())
		for _, u := range []*url.URL{{Path: path}, {Path: path, RawPath: strings.ReplaceAll(url.PathEscape(path), "%2F", "/")}} {
			r := (&http.Request{Method: http.MethodGet, URL: u}).WithContext(ctx)
			want, err := theirs.MatchWithError(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := ours.match(r); got != want {
				t.Fatalf("%q on %q (raw %q): %v, Caddy says %v", patterns, u.Path, u.RawPath, got, want)
			}
		}
	})
}

// Nothing that people write in a Caddyfile needs the slow way.
func TestPlainPathsNeedNoMatcher(t *testing.T) {
	f := newPathFilter([]string{"/callback", "/back/*", "/files/*/get"})
	f.matcher = nil
	for path, want := range map[string]bool{"/callback": true, "/back/": true, "/back/a-b_c.php": true, "/callback/": false, "/": false, "/a.b/c": false} {
		if ok, sure := f.plainly(path); !sure || ok != want || needsMatcher(path) {
			t.Errorf("%s: %v, sure %v, odd %v", path, ok, sure, needsMatcher(path))
		}
	}
}
