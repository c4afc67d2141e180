package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// pathFilter decides quickly, and without allocating, that a request is none of
// a route's. It never says so of one that Caddy's own path matcher would take:
// whatever looks unusual goes to that matcher.
type pathFilter struct {
	exact   []string
	prefix  []string
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
		case star > 0 && low[star] == '*':
			f.prefix = append(f.prefix, low[:star])
		default:
			f.other = true
		}
	}
	return f
}

// may is the quick look.
func (f *pathFilter) may(path string) bool {
	if f.other || odd(path) {
		return true
	}
	for _, p := range f.exact {
		if p == path {
			return true
		}
	}
	for _, p := range f.prefix {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// match is the whole answer.
func (f *pathFilter) match(r *http.Request) bool {
	if len(f.matcher) == 0 || !f.may(r.URL.Path) {
		return false
	}
	ok, err := f.matcher.MatchWithError(r)
	return err == nil && ok
}

// takes is match for an address that nobody asked for yet.
func (f *pathFilter) takes(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ctx := context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewReplacer())
	return f.match((&http.Request{Method: http.MethodGet, URL: u}).WithContext(ctx))
}

// odd marks paths that Caddy's matcher cleans or folds before it compares.
func odd(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c >= 'A' && c <= 'Z', c >= 0x80, c == '%', c == '\\':
			return true
		case c == '.' && (i == 0 || path[i-1] == '/' || path[i-1] == '.'):
			return true
		case c == '/' && i > 0 && path[i-1] == '/':
			return true
		}
	}
	// Trailing dots and spaces are cut on some systems by the matcher.
	return path == "" || path[len(path)-1] == '.' || path[len(path)-1] == ' '
}
