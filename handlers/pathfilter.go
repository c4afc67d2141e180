package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// pathFilter answers like Caddy's own path matcher, and without allocating where
// both pattern and path are plain, as nearly all are: then comparing bytes is all
// that the matcher does. Whatever looks unusual goes to that matcher.
type pathFilter struct {
	// patterns are what it was made of.
	patterns []string
	exact    []string
	prefix   []string
	// stems are what globs begin with: no path without one of them fits.
	stems   []string
	other   bool
	matcher caddyhttp.MatchPath
}

func newPathFilter(patterns []string) pathFilter {
	f := pathFilter{patterns: patterns, matcher: append(caddyhttp.MatchPath(nil), patterns...)}
	for _, p := range patterns {
		low := strings.ToLower(p)
		star := strings.IndexAny(low, "*?[\\%{")
		switch {
		case star < 0:
			f.exact = append(f.exact, low)
		case star > 0 && low[star] == '*' && star == len(low)-1:
			f.prefix = append(f.prefix, low[:star])
		case star > 0 && !strings.ContainsAny(low, "\\%{"):
			f.stems = append(f.stems, low[:star])
		default:
			f.other = true
		}
	}
	return f
}

// plainly answers without Caddy's matcher, for a path that needs none; sure is false where only the
// matcher knows it.
func (f *pathFilter) plainly(path string) (ok, sure bool) {
	if slices.Contains(f.exact, path) {
		return true, true
	}
	for _, p := range f.prefix {
		if strings.HasPrefix(path, p) {
			return true, true
		}
	}
	for _, p := range f.stems {
		if strings.HasPrefix(path, p) {
			return false, false
		}
	}
	return false, !f.other
}

// match reports whether the filter takes a request.
func (f *pathFilter) match(r *http.Request) bool { return f.matchAs(r, needsMatcher(r.URL.Path)) }

// matchAs is match for a caller that knows already whether the path needs the matcher.
func (f *pathFilter) matchAs(r *http.Request, needsMatcher bool) bool {
	if len(f.matcher) == 0 {
		return false
	}
	if !needsMatcher {
		if ok, sure := f.plainly(r.URL.Path); sure {
			return ok
		}
	}
	ok, err := f.matcher.MatchWithError(r)
	return err == nil && ok
}

// takes is match for an address that nobody asked for yet.
func (f *pathFilter) takes(address string) bool {
	u, err := url.Parse(address)
	return err == nil && f.match(unasked(u))
}

// matchPath is match for a path that nobody asked for.
func (f *pathFilter) matchPath(path string) bool {
	if !needsMatcher(path) {
		if ok, sure := f.plainly(path); sure {
			return ok
		}
	}
	ok, err := f.matcher.MatchWithError(unasked(&url.URL{Path: path}))
	return err == nil && ok
}

// unasked returns the request for an address, as far as matchers of paths need one.
func unasked(u *url.URL) *http.Request {
	ctx := context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewEmptyReplacer())
	return (&http.Request{Method: http.MethodGet, URL: u}).WithContext(ctx)
}

// needsMatcher reports whether Caddy's matcher cleans or folds a path before it compares: what
// has capitals, bytes beyond ASCII, escapes, and segments that are empty or that
// begin or end with what some systems cut off.
func needsMatcher(path string) bool {
	if path == "" || path[0] != '/' {
		return true
	}
	last := byte('/')
	for i := 1; i < len(path); i++ {
		c := path[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '/':
			if last == '/' || last == '.' || last == ' ' {
				return true
			}
		case c == '.':
			if last == '/' || last == '.' {
				return true
			}
		case c >= 'A' && c <= 'Z', c >= 0x80, c == '%', c == '\\':
			return true
		}
		last = c
	}
	return last == '.' || last == ' '
}
