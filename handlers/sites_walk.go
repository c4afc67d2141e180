package handlers

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// standing is the place of our handler in its server's routes. Whatever
// was not found by walking them is unknown, and what is unknown is treated as
// the worst that it may be.
type standing struct {
	// found is whether a way to the handler is known.
	found bool
	// hosts are the names that lead to it.
	hosts hosts
	// branch are the paths that lead to it, as the route matchers have them:
	// what tells two handlers of one host apart. It says nothing about the site.
	branch string
	// order is the handler's turn among those of its server.
	order int
	// tops are the server's own routes that lead to it, others the names of those
	// that don't.
	tops   caddyhttp.RouteList
	others hosts
}

// stands finds out where handlers of one server stand, following subroutes,
// error routes and named routes.
func stands(srv *caddyhttp.Server) map[*Handler]standing {
	all := make(map[*Handler]standing)
	if srv == nil {
		return all
	}
	tops := srv.Routes
	if srv.Errors != nil {
		tops = slices.Concat(tops, srv.Errors.Routes)
	}
	for _, top := range tops {
		here := make(map[*Handler]bool)
		w := &walker{server: srv, handler: func(h caddyhttp.MiddlewareHandler, at step) {
			ours, ok := h.(*Handler)
			if !ok {
				return
			}
			s, seen := all[ours]
			if !seen {
				s = standing{found: true, hosts: at.hosts, branch: at.branch, order: len(all)}
			}
			s.hosts = s.hosts.and(at.hosts)
			if s.branch != at.branch {
				s.branch = "" // several ways: no path tells it apart
			}
			if !here[ours] {
				s.tops = append(s.tops, top)
			}
			here[ours] = true
			all[ours] = s
		}}
		w.route(top, step{hosts: anyHost})
	}
	for _, route := range srv.Routes {
		names := hostsOfRoute(route)
		if names.all {
			continue
		}
		for h, s := range all {
			if !leadsTo(srv, route, h) {
				s.others = s.others.and(names)
				all[h] = s
			}
		}
	}
	return all
}

func leadsTo(srv *caddyhttp.Server, route caddyhttp.Route, h *Handler) bool {
	found := false
	walk(srv, caddyhttp.RouteList{route}, func(m caddyhttp.MiddlewareHandler) {
		found = found || m == caddyhttp.MiddlewareHandler(h)
	})
	return found
}

// step is how far a walk has come.
type step struct {
	hosts  hosts
	branch string
}

func (s step) into(route caddyhttp.Route) step {
	s.hosts = s.hosts.within(hostsOfRoute(route))
	if paths := pathsOfRoute(route); paths != "" {
		s.branch += ">" + paths
	}
	return s
}

// pathsOfRoute returns the path patterns of a route as text.
func pathsOfRoute(route caddyhttp.Route) string {
	var all []string
	for _, set := range route.MatcherSets {
		for _, m := range set {
			switch paths := m.(type) {
			case *caddyhttp.MatchPath:
				all = append(all, *paths...)
			case caddyhttp.MatchPath:
				all = append(all, paths...)
			}
		}
	}
	return strings.Join(all, " ")
}

// walker visits all handlers that routes lead to.
type walker struct {
	server  *caddyhttp.Server
	handler func(caddyhttp.MiddlewareHandler, step)
	// invoked are the named routes on the way here.
	invoked []string
}

func (w *walker) routes(routes caddyhttp.RouteList, at step) {
	for _, route := range routes {
		w.route(route, at)
	}
}

func (w *walker) route(route caddyhttp.Route, at step) {
	at = at.into(route)
	for _, h := range route.Handlers {
		w.handler(h, at)
		switch h := h.(type) {
		case *caddyhttp.Subroute:
			w.routes(h.Routes, at)
			if h.Errors != nil {
				w.routes(h.Errors.Routes, at)
			}
		case *caddyhttp.Invoke:
			w.invoke(h.Name, at)
		case *reverseproxy.Handler:
			for _, answer := range h.HandleResponse {
				w.routes(answer.Routes, at)
			}
		case *intercept.Intercept:
			for _, answer := range h.HandleResponse {
				w.routes(answer.Routes, at)
			}
		}
	}
}

func (w *walker) invoke(name string, at step) {
	if w.server == nil || slices.Contains(w.invoked, name) {
		return
	}
	route, ok := w.server.NamedRoutes[name]
	if !ok || route == nil {
		return
	}
	w.invoked = append(w.invoked, name)
	w.route(*route, at)
	w.invoked = w.invoked[:len(w.invoked)-1]
}

// walk visits all handlers that routes of a server lead to.
func walk(srv *caddyhttp.Server, routes caddyhttp.RouteList, visit func(caddyhttp.MiddlewareHandler)) {
	w := &walker{server: srv, handler: func(h caddyhttp.MiddlewareHandler, _ step) { visit(h) }}
	w.routes(routes, step{hosts: anyHost})
}

// underway returns where a handler stands while it is provisioned. Its own routes
// are not linked to it yet, but Caddy provisions routes in their order: the one
// it is in is the first of each list on the way that has its handlers still
// unread.
func underway(ctx caddy.Context, srv *caddyhttp.Server, h *Handler) standing {
	if srv == nil {
		return standing{}
	}
	lists := []caddyhttp.RouteList{srv.Routes}
	if srv.Errors != nil {
		lists = append(lists, srv.Errors.Routes)
	}
	at := step{hosts: anyHost}
	for _, m := range ctx.Modules() {
		switch m := m.(type) {
		case *caddyhttp.App:
			continue
		case *caddyhttp.Subroute:
			if !at.enter(lists) {
				return standing{}
			}
			lists = []caddyhttp.RouteList{m.Routes}
			if m.Errors != nil {
				lists = append(lists, m.Errors.Routes)
			}
		case *Handler:
			if m != h || !at.enter(lists) {
				return standing{}
			}
			return standing{found: true, hosts: at.hosts, branch: at.branch}
		default:
			return standing{} // something that we can't look into
		}
	}
	return standing{}
}

// enter goes on into the route that is being provisioned.
func (s *step) enter(lists []caddyhttp.RouteList) bool {
	for _, list := range lists {
		for _, route := range list {
			if len(route.Handlers) == 0 && len(route.HandlersRaw) > 0 {
				*s = s.into(route)
				return true
			}
		}
	}
	return false
}
