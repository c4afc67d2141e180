package handlers

import (
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// passage is what a request has met on its way to a handler.
type passage struct {
	// behind: one of ours that counts; what stands in a route without matchers
	// counts for all that follow it.
	behind bool
	// root is the site's root there, moved whether the path was rewritten.
	root  string
	moved bool
}

// besides visits all handlers that routes lead to with what a request has met
// before it is there: what one site serves beside our handler is as open as what
// another serves.
func besides(srv *caddyhttp.Server, routes caddyhttp.RouteList, counts func(*Handler) bool, visit func(caddyhttp.MiddlewareHandler, passage)) {
	w := &walker[passage]{server: srv, visit: func(m caddyhttp.MiddlewareHandler, at passage) passage {
		visit(m, at)
		switch h := m.(type) {
		case *Handler:
			at.behind = at.behind || counts(h)
		case *caddyhttp.VarsMiddleware:
			if root, ok := (*h)["root"].(string); ok {
				at.root = root
			}
		case *rewrite.Rewrite:
			at.moved = true
		}
		return at
	}}
	w.routes(routes, passage{})
}

// proxies returns the proxies of routes that stand behind a guard, and the others.
func proxies(srv *caddyhttp.Server, routes caddyhttp.RouteList) (behind, beside []*reverseproxy.Handler) {
	besides(srv, routes, func(*Handler) bool { return true }, func(m caddyhttp.MiddlewareHandler, at passage) {
		switch p, ok := m.(*reverseproxy.Handler); {
		case !ok:
		case at.behind:
			behind = append(behind, p)
		default:
			beside = append(beside, p)
		}
	})
	return behind, beside
}

// shopDials returns the upstreams that follow a handler, without those that are only
// asked whether a request may go on; shopRoots the directories.
func (h *Handler) shopDials(p *place) []string {
	var all []*reverseproxy.Handler
	h.following(p, func(m caddyhttp.MiddlewareHandler, _ passage) {
		if proxy, ok := m.(*reverseproxy.Handler); ok && !asks(proxy) {
			all = append(all, proxy)
		}
	})
	return dials(all)
}

func (h *Handler) shopRoots(p *place) (all []string) {
	h.following(p, func(m caddyhttp.MiddlewareHandler, at passage) {
		if fs, ok := m.(*fileserver.FileServer); ok {
			if abs, ok := absolute(rootFor(fs, at)); ok {
				all = append(all, abs)
			}
		}
	})
	return all
}

// following visits what a request may come to after this handler.
func (h *Handler) following(p *place, visit func(caddyhttp.MiddlewareHandler, passage)) {
	besides(h.server, p.tops, func(other *Handler) bool { return other == h }, func(m caddyhttp.MiddlewareHandler, at passage) {
		if at.behind {
			visit(m, at)
		}
	})
}

func rootFor(fs *fileserver.FileServer, at passage) string {
	if fs.Root == "" || fs.Root == "{http.vars.root}" {
		return at.root
	}
	return fs.Root
}

// served is a directory that a file server of a site serves.
type served struct {
	root  string
	moved bool
}

// files returns the directories that routes serve behind a require, and beside all.
func files(srv *caddyhttp.Server, routes caddyhttp.RouteList) (behind, beside []served) {
	besides(srv, routes, func(h *Handler) bool { return len(h.Require) > 0 }, func(m caddyhttp.MiddlewareHandler, at passage) {
		fs, ok := m.(*fileserver.FileServer)
		if !ok {
			return
		}
		abs, ok := absolute(rootFor(fs, at))
		switch {
		case !ok:
		case at.behind:
			behind = append(behind, served{abs, at.moved})
		default:
			beside = append(beside, served{abs, at.moved})
		}
	})
	return behind, beside
}
