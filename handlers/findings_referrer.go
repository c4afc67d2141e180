package handlers

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"

	"github.com/rahgir/caddy-payments/payment"
)

// withoutReferrer finds sites that keep browsers from saying where they come from, and whose
// customers go to a gateway that lets nobody in who doesn't say so. Our own pages say it;
// those of a shop that starts its payments by itself are as the site's header has it.
func withoutReferrer(handlers []*Handler) (out []Finding) {
	for _, h := range handlers {
		name := h.asksReferrer()
		if name == "" || h.server == nil {
			continue
		}
		walk(h.server, h.place().tops, func(m caddyhttp.MiddlewareHandler) {
			policy := referrerPolicy(m)
			if policy != "no-referrer" && policy != "same-origin" {
				return
			}
			f := Finding{Code: "referrer", Where: h.place().shopName(), Text: "the site sends `Referrer-Policy: " + policy + "`, and " + name +
				" refuses customers whose browser doesn't say from which site they come: write `header Referrer-Policy strict-origin-when-cross-origin`"}
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		})
	}
	return out
}

// asksReferrer is a provider of the site's whose pay page asks for a Referer.
func (h *Handler) asksReferrer() string {
	all := slices.Clone(h.used)
	for _, own := range h.Relay {
		for _, name := range own.server.Names() {
			if info, ok := h.app.Provider(name); ok {
				all = append(all, &provider{ProviderInfo: info})
			}
		}
	}
	for _, p := range all {
		if _, ok := p.Provider.(payment.Referred); ok {
			return p.Name
		}
	}
	return ""
}

// referrerPolicy is the policy that a `header` directive sets. Of several in one, browsers
// take the last that they know.
func referrerPolicy(m caddyhttp.MiddlewareHandler) string {
	var response *headers.RespHeaderOps
	switch m := m.(type) {
	case *headers.Handler:
		response = m.Response
	case headers.Handler:
		response = m.Response
	}
	if response == nil || response.HeaderOps == nil {
		return ""
	}
	policy := ""
	for _, ops := range []map[string][]string{response.Set, response.Add} {
		for name, values := range ops {
			if strings.EqualFold(name, "Referrer-Policy") && len(values) > 0 {
				said := values[len(values)-1]
				policy = strings.ToLower(strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:]))
			}
		}
	}
	return policy
}
