package handlers

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
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
	// stripped is what a `handle_path` or a `uri strip_prefix` takes off every path that
	// leads to it, as far as finished routes tell.
	stripped string
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
		w := &walker[step]{server: srv, into: step.into, visit: func(h caddyhttp.MiddlewareHandler, at step) step {
			ours, ok := h.(*Handler)
			if !ok {
				return at.behind(h)
			}
			s, seen := all[ours]
			if !seen {
				s = standing{found: true, hosts: at.hosts, branch: at.branch, stripped: at.stripped, order: len(all)}
			}
			s.hosts = s.hosts.and(at.hosts)
			if s.branch != at.branch {
				s.branch = "" // several ways: no path tells it apart
			}
			if s.stripped != at.stripped {
				s.stripped = ""
			}
			if !here[ours] {
				s.tops = append(s.tops, top)
			}
			here[ours] = true
			all[ours] = s
			return at
		}}
		w.routes(caddyhttp.RouteList{top}, step{hosts: anyHost})
	}
	for _, route := range srv.Routes {
		names := hostsOfRoute(route)
		if names.all {
			continue
		}
		ours := handlersOf[*Handler](srv, caddyhttp.RouteList{route})
		for h, s := range all {
			if !slices.Contains(ours, h) {
				s.others = s.others.and(names)
				all[h] = s
			}
		}
	}
	return all
}

// step is how far a walk has come.
type step struct {
	hosts            hosts
	branch, stripped string
}

// behind is what is known behind a handler that isn't ours.
func (s step) behind(h caddyhttp.MiddlewareHandler) step {
	if rw, ok := h.(*rewrite.Rewrite); ok && rw.StripPathPrefix != "" && !strings.Contains(rw.StripPathPrefix, "{") {
		s.stripped += "/" + strings.Trim(rw.StripPathPrefix, "/")
	}
	return s
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

// walker visits all handlers that routes lead to, with what is known on the way there.
type walker[S any] struct {
	server *caddyhttp.Server
	// into, if set, returns what is known within a route.
	into func(S, caddyhttp.Route) S
	// past, if set, returns what is known behind a route that not every request goes
	// through, of what was known before it and at its end.
	past func(before, end S, route caddyhttp.Route) S
	// visit sees a handler, and returns what is known behind it.
	visit func(caddyhttp.MiddlewareHandler, S) S
	// invoked are the named routes on the way here.
	invoked []string
}

// routes follows a list, and returns what is known behind it: what stands in a route without
// matchers counts for all that follow it.
func (w *walker[S]) routes(routes caddyhttp.RouteList, at S) S {
	for _, route := range routes {
		in := at
		if w.into != nil {
			in = w.into(at, route)
		}
		for _, h := range route.Handlers {
			in = w.handler(h, in)
		}
		switch {
		case w.past != nil && (len(route.MatcherSets) > 0 || route.Group != ""):
			at = w.past(at, in, route)
		case len(route.MatcherSets) == 0:
			at = in
		}
	}
	return at
}

func (w *walker[S]) handler(h caddyhttp.MiddlewareHandler, at S) S {
	at = w.visit(h, at)
	switch h := h.(type) {
	case *caddyhttp.Subroute:
		behind := w.routes(h.Routes, at)
		if h.Errors != nil {
			w.routes(h.Errors.Routes, at)
		}
		return behind
	case *caddyhttp.Invoke:
		return w.invoke(h.Name, at)
	case *reverseproxy.Handler:
		w.answers(h.HandleResponse, at)
	case *intercept.Intercept:
		w.answers(h.HandleResponse, at)
	}
	return at
}

func (w *walker[S]) answers(all []caddyhttp.ResponseHandler, at S) {
	for _, answer := range all {
		w.routes(answer.Routes, at)
	}
}

func (w *walker[S]) invoke(name string, at S) S {
	if w.server == nil || slices.Contains(w.invoked, name) {
		return at
	}
	route, ok := w.server.NamedRoutes[name]
	if !ok || route == nil {
		return at
	}
	w.invoked = append(w.invoked, name)
	at = w.routes(caddyhttp.RouteList{*route}, at)
	w.invoked = w.invoked[:len(w.invoked)-1]
	return at
}

// walk visits all handlers that routes of a server lead to.
func walk(srv *caddyhttp.Server, routes caddyhttp.RouteList, visit func(caddyhttp.MiddlewareHandler)) {
	w := &walker[struct{}]{server: srv, visit: func(h caddyhttp.MiddlewareHandler, at struct{}) struct{} {
		visit(h)
		return at
	}}
	w.routes(routes, struct{}{})
}

// handlersOf returns the handlers of one kind that routes of a server lead to.
func handlersOf[T any](srv *caddyhttp.Server, routes caddyhttp.RouteList) (all []T) {
	walk(srv, routes, func(m caddyhttp.MiddlewareHandler) {
		if h, ok := m.(T); ok {
			all = append(all, h)
		}
	})
	return all
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
