package handlers

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/encode"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
)

// mostRedirects is how many redirects of our own blocks are followed: from http to https, from
// an old name to the new one, and one more.
const mostRedirects = 3

// redirected returns where this Caddy itself sends whoever asks for an address; nil where
// anything else answers.
//
// Its invariant: only what a block's own `redir` says is followed. Nobody is asked, so nothing
// happens in a shop, and a name that another machine redirects is a stranger's.
func (s *Sites) redirected(ctx context.Context, u *url.URL) (to *url.URL) {
	app := s.http.Load()
	if app == nil {
		return nil
	}
	defer func() {
		if recover() != nil {
			to = nil // a matcher that can't be asked here says nothing
		}
	}()
	port := otherPort(u.Scheme, u.Port())
	var exact, others []*caddyhttp.Server
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		if own, all := portOf(srv, speaksTLS(srv)); (own == port || slices.Contains(all, port)) && speaksTLS(srv) == (u.Scheme == "https") {
			exact = append(exact, srv)
		} else {
			others = append(others, srv)
		}
	}
	// A port that no server has is mapped to one by something in front.
	for _, srv := range append(exact, others...) {
		if r := probeOf(ctx, u, srv); r != nil {
			if at, ends := (asker{r: r}).redirects(srv.Routes); ends {
				if at == "" {
					return nil
				}
				if to, err := u.Parse(at); err == nil && to.Host != "" && (to.Scheme == "http" || to.Scheme == "https") {
					return to
				}
				return nil
			}
		}
	}
	return nil
}

// redirects returns where the first handler that ends the request sends it, and whether there
// is one; "" where that does anything else, or where it isn't known what it does.
func (a asker) redirects(routes caddyhttp.RouteList) (to string, ends bool) {
	var groups []string
	for i := range routes {
		route := &routes[i]
		if slices.Contains(groups, route.Group) || len(route.MatcherSets) > 0 && !routeFits(route, a.r) {
			continue
		}
		if route.Group != "" {
			groups = append(groups, route.Group)
		}
		for _, m := range route.Handlers {
			switch m := m.(type) {
			case *caddyhttp.Subroute:
				if to, ends = a.redirects(m.Routes); ends {
					return to, true
				}
			case *caddyhttp.StaticResponse:
				return a.location(*m), true
			case caddyhttp.StaticResponse: // Caddy's own, from http to https
				return a.location(m), true
			case *encode.Encode, *headers.Handler, caddyhttp.VarsMiddleware, *caddyhttp.VarsMiddleware:
			default:
				return "", true
			}
		}
		if route.Terminal {
			return "", true
		}
	}
	return "", false
}

// location returns where a `redir` sends the request, "" if it does anything else.
func (a asker) location(m caddyhttp.StaticResponse) string {
	status, err := strconv.Atoi(string(m.StatusCode))
	at := m.Headers["Location"]
	repl, ok := a.r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if err != nil || status < 300 || status > 399 || len(at) != 1 || !ok {
		return ""
	}
	to, err := repl.ReplaceOrErr(at[0], true, true)
	if err != nil {
		return ""
	}
	return to
}

// sentOn returns the address that a callback comes to at its site, if this Caddy redirects it
// there; nil otherwise.
func (s *Sites) sentOn(ctx context.Context, u *url.URL, provider string) *url.URL {
	if _, led, ok := s.callback(ctx, u, provider); ok && led.RequestURI() != u.RequestURI() {
		return led
	}
	return nil
}
