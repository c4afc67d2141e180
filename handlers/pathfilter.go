package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// pathFilter answers like Caddy's own path matcher, and without allocating where
// both pattern and path are plain, as nearly all are: then comparing bytes is all
// that the matcher does. Whatever looks unusual goes to that matcher.
type pathFilter struct {
	exact  []string
	prefix []string
	// stems are what globs begin with: no path without one of them fits.
	stems   []string
	other   bool
	matcher caddyhttp.MatchPath
}

func newPathFilter(patterns []string) pathFilter {
	f := pathFilter{matcher: append(caddyhttp.MatchPath(nil), patterns...)}
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

// plainly is the answer for a path that is not odd; sure is false where only the
// matcher knows it.
func (f *pathFilter) plainly(path string) (ok, sure bool) {
	for _, p := range f.exact {
		if p == path {
			return true, true
		}
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

// match returns the whole answer.
func (f *pathFilter) match(r *http.Request) bool { return f.matchAs(r, odd(r.URL.Path)) }

// matchAs is match where it is known already whether the path is odd.
func (f *pathFilter) matchAs(r *http.Request, odd bool) bool {
	if len(f.matcher) == 0 {
		return false
	}
	if !odd {
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
	if !odd(path) {
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

// odd marks paths that Caddy's matcher cleans or folds before it compares: what
// has capitals, bytes beyond ASCII, escapes, and segments that are empty or that
// begin or end with what some systems cut off.
func odd(path string) bool {
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
