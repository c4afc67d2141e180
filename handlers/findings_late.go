package handlers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy/fastcgi"
)

// late finds sites whose requests are answered before our handler sees them: returns pass
// unverified there, and forged headers with them. Either everything is
// (`route { file_server; payments … }`), or a path of ours is (`handle /pay/* { php_fastcgi … }` before the block that verifies /pay/back).
//
// Invariant: a path that a block of ours names reaches the block, or the owner was told.
func late(handlers []*Handler) (out []Finding) {
	for _, h := range handlers {
		if h.server == nil {
			continue
		}
		f := Finding{Code: "late", Where: h.place().shopName()}
		if by := answersBefore(h.server.Routes, h, nil); by != "" {
			f.Text = "`payments` stands after " + by +
				" in a `route`: what that answers is seen by no guard and no verify, returns from the bank included; write `payments` outside of `route`, or first in it"
		} else if path, by := h.answeredBefore(); by != "" {
			f.Text = fmt.Sprintf("%s answers %s before `payments`, which names this path, sees it: no guard and no verify is asked there; write `payments` once, directly in the site's block, outside of `handle` and `route`", by, path)
		}
		if f.Text != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// answeredBefore returns the first path that the block names and something else answers,
// and what that is.
func (h *Handler) answeredBefore() (path, by string) {
	defer func() {
		if recover() != nil {
			path, by = "", "" // a matcher that can't be asked here says nothing
		}
	}()
	for _, p := range h.namedPaths() {
		// A path that ends in a wildcard stands for all below it.
		if strings.ContainsAny(strings.TrimSuffix(p, "*"), "*{") {
			continue
		}
		r, err := h.visitorTo(context.Background(), strings.TrimSuffix(p, "*"))
		if err != nil {
			continue
		}
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), &discard{header: make(http.Header)}, h.server)
		if by = answersBefore(h.server.Routes, h, r); by != "" {
			return p, by
		}
	}
	return "", ""
}

// namedPaths are the paths that the block's lines name.
func (h *Handler) namedPaths() (paths []string) {
	for _, v := range h.Verify {
		paths = append(paths, v.Paths...)
	}
	for _, o := range h.Observe {
		paths = append(paths, o.Paths...)
	}
	for _, q := range h.Require {
		paths = append(paths, q.Paths...)
	}
	for _, c := range h.Checkout {
		paths = append(paths, c.Path)
	}
	return paths
}

// takes reports whether a route takes r, or every request where r is nil.
func takes(route *caddyhttp.Route, r *http.Request) bool {
	if r == nil || len(route.MatcherSets) == 0 {
		return len(route.MatcherSets) == 0
	}
	took, err := route.MatcherSets.AnyMatchWithError(r)
	return took && err == nil
}

// answersBefore returns the directive that answers r, or every request where r is nil,
// before ours comes to its turn, in the lists of routes that lead to it.
func answersBefore(routes caddyhttp.RouteList, ours *Handler, r *http.Request) string {
	by := ""
	for i := range routes {
		route := &routes[i]
		took := takes(route, r)
		for _, m := range route.Handlers {
			sub, isRoutes := m.(*caddyhttp.Subroute)
			leads := m == caddyhttp.MiddlewareHandler(ours) || isRoutes && leadsWithin(sub.Routes, ours)
			switch {
			case leads && by != "" && (took || r == nil):
				return by
			case leads && isRoutes:
				// What stands above, and takes other paths than the one that leads here
				// (`handle_path` changes it), proves nothing.
				return answersBefore(sub.Routes, ours, r)
			case leads:
				return ""
			case by == "" && took:
				by = answers(m, r)
			}
		}
	}
	return ""
}

// leadsWithin reports whether routes lead to our handler, by subroutes only.
func leadsWithin(routes caddyhttp.RouteList, ours *Handler) bool {
	return slices.ContainsFunc(routes, func(r caddyhttp.Route) bool {
		return slices.ContainsFunc(r.Handlers, func(m caddyhttp.MiddlewareHandler) bool {
			sub, ok := m.(*caddyhttp.Subroute)
			return m == caddyhttp.MiddlewareHandler(ours) || ok && leadsWithin(sub.Routes, ours)
		})
	})
}

// answers returns the directive of a handler that hands r on to nobody, or no request where
// r is nil; "" of others.
func answers(m caddyhttp.MiddlewareHandler, r *http.Request) string {
	switch m := m.(type) {
	case *fileserver.FileServer:
		if !m.PassThru {
			return "file_server"
		}
	case *reverseproxy.Handler:
		return "reverse_proxy"
	case caddyhttp.StaticResponse, *caddyhttp.StaticResponse:
		return "respond"
	case *caddyhttp.Subroute:
		for i := range m.Routes {
			for _, inner := range m.Routes[i].Handlers {
				if byPHP(inner) {
					// It takes scripts by their names, and in most shops all that is no file.
					return "php_fastcgi"
				}
				if takes(&m.Routes[i], r) {
					if by := answers(inner, r); by != "" {
						return by
					}
				}
			}
		}
	case caddy.Module:
		if m.CaddyModule().ID == "http.handlers.payment_sandbox" {
			return "payment_sandbox"
		}
	}
	return ""
}

// byPHP reports whether a handler proxies to PHP.
func byPHP(m caddyhttp.MiddlewareHandler) bool {
	proxy, ok := m.(*reverseproxy.Handler)
	if !ok {
		return false
	}
	_, ok = proxy.Transport.(*fastcgi.Transport)
	return ok
}
