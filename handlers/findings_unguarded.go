package handlers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/rahgir/caddy-payments/internal/loopback"
)

// unguarded finds routes that reach a guarded site's upstream without a guard:
// there a client could set our headers itself.
func unguarded(app *caddyhttp.App, sites []*Handler) []Finding {
	guarded := make(map[string]string)
	for _, h := range sites {
		if h.server == nil || len(h.Verify) == 0 {
			continue
		}
		behind, _ := proxies(h.server, h.place().tops)
		for _, dial := range dials(behind) {
			guarded[dial] = h.place().shopName()
		}
	}
	var out []Finding
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		for _, route := range srv.Routes {
			_, beside := proxies(srv, caddyhttp.RouteList{route})
			for _, dial := range dials(beside) {
				site, ok := guarded[dial]
				if !ok {
					continue
				}
				f := Finding{
					Code: "unguarded", Where: whereabouts(srv, route),
					Text: fmt.Sprintf("another site reaches the upstream of %s without `payments`: there anybody can send X-Payment headers; an empty `payments` block is enough", site),
				}
				if len(handlersOf[*Handler](srv, caddyhttp.RouteList{route})) > 0 {
					f.Text = fmt.Sprintf("a part of this site reaches the upstream of %s without `payments`: there anybody can send X-Payment headers; write an empty `payments` block in the site itself, outside of handle and route", site)
				}
				out = adding(out, f) // once, whatever the number of upstreams
			}
		}
	}
	slices.SortFunc(out, func(a, b Finding) int { return strings.Compare(a.Where, b.Where) })
	return out
}

// dials returns the addresses of all upstreams of proxies, each in one spelling. Those
// that are looked up for each request are known by what is looked up.
func dials(proxies []*reverseproxy.Handler) (all []string) {
	for _, p := range proxies {
		for _, u := range p.Upstreams {
			all = append(all, dialed(u.Dial))
		}
		switch d := p.DynamicUpstreams.(type) {
		case nil:
		case *reverseproxy.AUpstreams:
			all = append(all, dialed(net.JoinHostPort(d.Name, cmp.Or(d.Port, "80"))))
		case *reverseproxy.SRVUpstreams:
			all = append(all, "srv "+strings.Join([]string{d.Service, d.Proto, d.Name}, "."))
		default:
			// Its sources can't be looked into; the same ones read the same.
			all = append(all, fmt.Sprintf("%T %s", d, jsonOf(d)))
		}
	}
	return all
}

func jsonOf(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

// dialed returns the one spelling of an upstream's address: this machine has many
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
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); host == "" || loopback.Is(host) || err == nil && ip.IsUnspecified() {
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
