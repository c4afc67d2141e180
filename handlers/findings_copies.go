package handlers

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// repeating finds sites in which one delivery may reach the shop twice, or the
// shop's answer not reach us.
func repeating(handlers []*Handler) []Finding {
	var out []Finding
	add := func(h *Handler, code, text string) { out = adding(out, h.finding(code, text)) }
	for _, h := range handlers {
		if len(h.Verify) == 0 || h.server == nil {
			continue
		}
		once := slices.ContainsFunc(h.Verify, func(v *Verify) bool { return v.Deliver != deliverIdempotent })
		walk(h.server, h.place().tops, func(m caddyhttp.MiddlewareHandler) {
			var answers []caddyhttp.ResponseHandler
			switch m := m.(type) {
			case *reverseproxy.Handler:
				if lb := m.LoadBalancing; once && lb != nil && (lb.Retries > 0 || lb.TryDuration > 0) {
					add(h, "retries", "reverse_proxy has lb_retries or lb_try_duration beside `deliver once`: Caddy repeats GET requests, so the shop may be asked to credit twice")
				}
				if asks(m) {
					return // it only asks whether the request may go on
				}
				answers = m.HandleResponse
			case *intercept.Intercept:
				answers = m.HandleResponse
			}
			for _, a := range answers {
				if once && len(upstreams(h.server, a.Routes)) > 0 {
					add(h, "second_upstream", "handle_response or intercept leads to another upstream beside `deliver once`: the second would get what the first may have credited; without the verified headers it will not be told that anything is paid")
				}
				if (len(a.Routes) > 0 || a.StatusCode != "") && !copies(h.server, a.Routes) {
					add(h, "handle_response", "handle_response or intercept replaces answers of the shop: their X-Payment-Ack, and the X-Payment headers of announcements, are lost; "+
						"`copy_response_headers` keeps them")
				}
			}
		})
	}
	return out
}

// copies reports whether routes keep the headers of the answer that they replace.
func copies(srv *caddyhttp.Server, routes caddyhttp.RouteList) bool {
	return len(handlersOf[*reverseproxy.CopyResponseHandler](srv, routes)) > 0 || len(handlersOf[*reverseproxy.CopyResponseHeadersHandler](srv, routes)) > 0
}

// asks reports whether a proxy sends a request of its own to find out whether the
// customer's may go on, as forward_auth does.
func asks(p *reverseproxy.Handler) bool {
	return p.Rewrite != nil && strings.TrimSpace(p.Rewrite.URI) != "" && len(p.HandleResponse) > 0
}
