package handlers

import (
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"pgregory.net/rapid"
)

// The readers of a request target whose first name may be a host's: PHP's parse_url, Python's
// urlparse and a browser's URL, as far as they differ in that.
var hostReaders = map[string]func(target string) (path string, ok bool){
	"parse_url": func(target string) (string, bool) {
		rest, ok := strings.CutPrefix(target, "//")
		if !ok || strings.HasPrefix(rest, "/") {
			return "", false
		}
		at := strings.IndexByte(rest, '/')
		return rest[max(at, 0):], at > 0
	},
	"urlparse": func(target string) (string, bool) {
		rest, ok := strings.CutPrefix(target, "//")
		at := strings.IndexByte(rest, '/')
		return rest[max(at, 0):], ok && at >= 0
	},
	"a browser's URL": func(target string) (string, bool) {
		target = strings.ReplaceAll(target, `\`, "/")
		if !strings.HasPrefix(target, "//") {
			return "", false
		}
		rest := strings.TrimLeft(target, "/")
		at := strings.IndexByte(rest, '/')
		return rest[max(at, 0):], at > 0
	},
}

// What one of them reads as a gated page is gated, and what one of them reads as a route's return
// address is one: whatever stands for the host, and however the page is spelt behind it.
func TestAPathThatBeginsWithAHost(t *testing.T) {
	f := newPathFilter([]string{"/members/*", "/book.pdf"})
	if err := f.matcher.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	g := newResource(f, f.patterns, nil)
	m := &Match{Paths: f.patterns, filter: f}
	pages := []string{"/members/lesson1", "/members", "/members/", "/Members/a", "/book.pdf", "/BOOK.pdf", "/book.pdf/", "/./members/a", "/x/../book.pdf", "//members/a", "/%6dembers/a"}
	name := rapid.StringMatching(`[a-z0-9.:@;%_-]{0,3}(%2f|%5c|%2F|%5C|%252f)?[a-z0-9.:-]{0,3}((%2f)[a-z]?){0,24}`)
	rapid.Check(t, func(t *rapid.T) {
		target := rapid.SampledFrom([]string{"//", "///", "//", "////", `/\`, `\/`, `/\/`}).Draw(t, "slashes") + name.Draw(t, "host") +
			rapid.SampledFrom(append([]string{"/free"}, pages...)).Draw(t, "page")
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Skip("the server refuses it")
		}
		r := unasked(u)
		needs := needsMatcher(u.Path)
		for reader, read := range hostReaders {
			path, ok := read(target)
			if !ok {
				continue
			}
			as, err := url.ParseRequestURI(path)
			if err != nil || !g.takes(unasked(as), true) {
				continue
			}
			if !g.takes(r, needs) {
				t.Errorf("%s reads %s as %s, which is gated", reader, target, path)
			}
			if m.relates(unasked(as), true) == exactly && m.relates(r, needs) == elsewhere {
				t.Errorf("%s reads %s as %s, where returns come", reader, target, path)
			}
		}
	})
	for _, free := range []string{"//free", "//x/free/member", "/x//free", "//x/book.pdfx"} {
		u, err := url.ParseRequestURI(free)
		if err != nil {
			t.Fatal(err)
		}
		if g.takes(unasked(u), needsMatcher(u.Path)) {
			t.Errorf("%s is taken", free)
		}
	}
}

// However many slashes follow, it is answered soon, and no page is free behind more of them than
// are tried.
func TestAPathOfManyHosts(t *testing.T) {
	f := newPathFilter([]string{"/members/*"})
	if err := f.matcher.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	g := newResource(f, f.patterns, nil)
	for _, n := range []int{1, mostHosts - 2, mostHosts - 1, mostHosts, mostHosts + 1, 1000, 4000} {
		for _, end := range []string{"%2fx", "%252fx", "/x"} {
			target := "//x" + strings.Repeat(end, n) + "/members/a"
			u, err := url.ParseRequestURI(target)
			if err != nil {
				t.Fatal(err)
			}
			if !g.takes(unasked(u), needsMatcher(u.Path)) {
				t.Errorf("%d times %s: it is free", n, end)
			}
		}
	}
}
