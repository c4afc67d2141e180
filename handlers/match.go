package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/quote"
)

func (m *Match) provision(ctx caddy.Context) error {
	if len(m.Paths) > 0 && len(m.MatchRaw) > 0 {
		return fmt.Errorf("paths and match exclude each other")
	}
	for _, p := range m.Paths {
		if !strings.HasPrefix(p, "/") && p != "*" {
			return fmt.Errorf("%s must begin with / to be a path", quote.This(p))
		}
	}
	plain, err := plainPatterns(m.Paths)
	if err != nil {
		return err
	}
	m.filter = newPathFilter(plain)
	if err := m.filter.matcher.Provision(ctx); err != nil {
		return err
	}
	if len(m.MatchRaw) == 0 {
		return nil
	}
	loaded, err := ctx.LoadModule(m, "MatchRaw")
	if err != nil {
		return fmt.Errorf("loading matchers: %w", err)
	}
	return m.matchers.FromInterface(loaded)
}

// plain returns the route's patterns as requests are compared with them; [Match.Paths] are
// as written, which is how a link or a signature has them.
func (m *Match) plain() []string {
	if m.filter.patterns != nil {
		return m.filter.patterns
	}
	return m.Paths
}

// any reports whether the route has no condition at all.
func (m *Match) any() bool { return len(m.Paths) == 0 && len(m.matchers) == 0 }

// matches reports whether a request is one of the route's. The caller passes
// needsMatcher of the path, because many routes ask it of one path.
func (m *Match) matches(r *http.Request, needsMatcher bool) (bool, error) {
	if len(m.matchers) > 0 {
		return m.matchers.AnyMatchWithError(r)
	}
	return m.filter.matchAs(r, needsMatcher), nil
}

// name returns the route's first path as written, "/" where it has only matchers:
// what shops sign.
func (m *Match) name() string {
	if len(m.Paths) > 0 {
		return m.Paths[0]
	}
	return "/"
}

// originalURI returns the request's target as the browser sent it, before `uri` or
// `handle_path` changed it.
func originalURI(r *http.Request) string {
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		return orig.URL.RequestURI()
	}
	return r.URL.RequestURI()
}

// changeOriginal changes the request as the browser sent it, which Caddy keeps in the context.
func changeOriginal(ctx context.Context, change func(original *http.Request)) context.Context {
	original, ok := ctx.Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil {
		return ctx
	}
	u := *original.URL
	original.URL = &u
	change(&original)
	original.RequestURI = u.RequestURI()
	return context.WithValue(ctx, caddyhttp.OriginalRequestCtxKey, original)
}
