package handlers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// unguarded finds routes that reach a guarded site's upstream without a guard:
// there a client could set our headers itself.
func unguarded(app *caddyhttp.App, sites []*Handler) []Finding {
	guarded := make(map[string]string)
	for _, h := range sites {
		if h.server == nil || len(h.Verify) == 0 {
			continue
		}
		for _, dial := range dials(siteRoutes(h)) {
			guarded[dial] = h.place().id
		}
	}
	var out []Finding
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		for _, route := range srv.Routes {
			if hasGuard(caddyhttp.RouteList{route}) {
				continue
			}
			for _, dial := range dials(caddyhttp.RouteList{route}) {
				site, ok := guarded[dial]
				if !ok {
					continue
				}
				f := Finding{
					Code: "unguarded", Where: whereabouts(srv, route),
					Text: fmt.Sprintf("another site reaches the upstream of %s without `payments`: there anybody can send X-Payment headers; an empty `payments` block is enough", site),
				}
				if !slices.Contains(out, f) { // once, whatever the number of upstreams
					out = append(out, f)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Finding) int { return strings.Compare(a.Where, b.Where) })
	return out
}

// dials are the addresses of all upstreams that routes lead to.
func dials(routes caddyhttp.RouteList) (all []string) {
	for _, p := range upstreams(routes) {
		for _, u := range p.Upstreams {
			all = append(all, u.Dial)
		}
	}
	return all
}

// whereabouts names a route by what the owner has written: its hosts, if it has
// any, and where its server listens. A server's own name is the adapter's.
func whereabouts(srv *caddyhttp.Server, route caddyhttp.Route) string {
	listen := strings.Join(srv.Listen, ", ")
	if hosts := hostsOf(route); len(hosts) > 0 {
		return strings.Join(hosts, ", ") + " on " + listen
	}
	return listen
}

// hostsOf are the hosts that a route is for; none where it takes any.
func hostsOf(route caddyhttp.Route) []string {
	var hosts []string
	for _, set := range route.MatcherSets {
		for _, m := range set {
			switch names := m.(type) {
			case *caddyhttp.MatchHost:
				hosts = append(hosts, *names...)
			case caddyhttp.MatchHost:
				hosts = append(hosts, names...)
			}
		}
	}
	return hosts
}
