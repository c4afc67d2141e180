package handlers

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// late finds sites whose requests are answered before our handler sees them, as
// `route { file_server; payments … }` does: returns pass unverified there, and forged
// headers with them. Only routes say so in which order their handlers stand; Caddy
// sorts all others.
func late(handlers []*Handler) (out []Finding) {
	for _, h := range handlers {
		if h.server == nil {
			continue
		}
		if by := answersBefore(h.server.Routes, h); by != "" {
			f := Finding{Code: "late", Where: h.place().shopName(), Text: "`payments` stands after " + by +
				" in a `route`: what that answers is seen by no guard and no verify, returns from the bank included; write `payments` outside of `route`, or first in it"}
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// answersBefore returns the directive that answers every request before ours comes to its
// turn, in the lists of routes that lead to it.
func answersBefore(routes caddyhttp.RouteList, ours *Handler) string {
	by := ""
	for _, route := range routes {
		always := len(route.MatcherSets) == 0
		for _, m := range route.Handlers {
			if m == caddyhttp.MiddlewareHandler(ours) {
				return by
			}
			if sub, ok := m.(*caddyhttp.Subroute); ok {
				if leadsWithin(sub.Routes, ours) {
					if by != "" {
						return by
					}
					return answersBefore(sub.Routes, ours)
				}
				continue
			}
			if by == "" && always {
				by = answers(m)
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

// answers returns the directive of a handler that hands no request on; "" of others.
func answers(m caddyhttp.MiddlewareHandler) string {
	switch m := m.(type) {
	case *fileserver.FileServer:
		if !m.PassThru {
			return "file_server"
		}
	case *reverseproxy.Handler:
		return "reverse_proxy"
	case caddyhttp.StaticResponse, *caddyhttp.StaticResponse:
		return "respond"
	case caddy.Module:
		if m.CaddyModule().ID == "http.handlers.payment_sandbox" {
			return "payment_sandbox"
		}
	}
	return ""
}
