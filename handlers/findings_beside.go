package handlers

import (
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
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
type besides struct {
	server *caddyhttp.Server
	counts func(*Handler) bool
	visit  func(caddyhttp.MiddlewareHandler, passage)
	// invoked are the named routes on the way here.
	invoked []string
}

// routes follows a list, and returns what holds behind it.
func (b *besides) routes(list caddyhttp.RouteList, at passage) passage {
	for _, route := range list {
		in := at
		for _, h := range route.Handlers {
			in = b.handler(h, in)
		}
		if len(route.MatcherSets) == 0 {
			at = in
		}
	}
	return at
}

func (b *besides) handler(h caddyhttp.MiddlewareHandler, at passage) passage {
	b.visit(h, at)
	switch h := h.(type) {
	case *Handler:
		at.behind = at.behind || b.counts(h)
	case *caddyhttp.VarsMiddleware:
		at.root = rootOf(*h, at.root)
	case caddyhttp.VarsMiddleware:
		at.root = rootOf(h, at.root)
	case rewrite.Rewrite, *rewrite.Rewrite:
		at.moved = true
	case *caddyhttp.Subroute:
		if h.Errors != nil {
			b.routes(h.Errors.Routes, at)
		}
		return b.routes(h.Routes, at)
	case *caddyhttp.Invoke:
		return b.invoke(h.Name, at)
	case *reverseproxy.Handler:
		for _, answer := range h.HandleResponse {
			b.routes(answer.Routes, at)
		}
	case *intercept.Intercept:
		for _, answer := range h.HandleResponse {
			b.routes(answer.Routes, at)
		}
	}
	return at
}

func (b *besides) invoke(name string, at passage) passage {
	if b.server == nil || slices.Contains(b.invoked, name) {
		return at
	}
	route, ok := b.server.NamedRoutes[name]
	if !ok || route == nil {
		return at
	}
	b.invoked = append(b.invoked, name)
	at = b.routes(caddyhttp.RouteList{*route}, at)
	b.invoked = b.invoked[:len(b.invoked)-1]
	return at
}

func rootOf(vars caddyhttp.VarsMiddleware, otherwise string) string {
	if root, ok := vars["root"].(string); ok {
		return root
	}
	return otherwise
}

// proxies returns the proxies of routes that stand behind a guard, and the others.
func proxies(srv *caddyhttp.Server, routes caddyhttp.RouteList) (behind, beside []*reverseproxy.Handler) {
	b := &besides{server: srv, counts: func(*Handler) bool { return true }, visit: func(m caddyhttp.MiddlewareHandler, at passage) {
		switch p, ok := m.(*reverseproxy.Handler); {
		case !ok:
		case at.behind:
			behind = append(behind, p)
		default:
			beside = append(beside, p)
		}
	}}
	b.routes(routes, passage{})
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
	b := &besides{server: h.server, counts: func(other *Handler) bool { return other == h }, visit: func(m caddyhttp.MiddlewareHandler, at passage) {
		if at.behind {
			visit(m, at)
		}
	}}
	b.routes(p.tops, passage{})
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
	b := &besides{server: srv, counts: func(h *Handler) bool { return len(h.Require) > 0 }, visit: func(m caddyhttp.MiddlewareHandler, at passage) {
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
	}}
	b.routes(routes, passage{})
	return behind, beside
}
