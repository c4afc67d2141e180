package handlers

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
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
		for _, dial := range dials(h.server, h.place().tops) {
			guarded[dial] = h.place().shopName()
		}
	}
	var out []Finding
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		for _, route := range srv.Routes {
			if hasGuard(srv, caddyhttp.RouteList{route}) {
				continue
			}
			for _, dial := range dials(srv, caddyhttp.RouteList{route}) {
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

// dials are the addresses of all upstreams that routes lead to, each in one
// spelling.
func dials(srv *caddyhttp.Server, routes caddyhttp.RouteList) (all []string) {
	for _, p := range upstreams(srv, routes) {
		for _, u := range p.Upstreams {
			all = append(all, dialed(u.Dial))
		}
	}
	return all
}

// dialed is the one spelling of an upstream's address: this machine has many
// names, and a path may be written in many ways.
func dialed(dial string) string {
	a, err := caddy.ParseNetworkAddress(dial)
	if err != nil {
		return dial
	}
	if a.IsUnixNetwork() {
		return "unix/" + filepath.Clean(a.Host)
	}
	host := hostName(a.Host)
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	network := strings.TrimRight(a.Network, "46")
	return fmt.Sprintf("%s/%s:%d", network, host, a.StartPort)
}

// whereabouts names a route by what the owner has written: its hosts, if it has
// any, and where its server listens. A server's own name is the adapter's.
func whereabouts(srv *caddyhttp.Server, route caddyhttp.Route) string {
	listen := strings.Join(srv.Listen, ", ")
	if names := hostsOfRoute(route); !names.all {
		return strings.Join(slices.Concat(names.names, names.patterns), ", ") + " on " + listen
	}
	return listen
}
