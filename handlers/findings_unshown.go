package handlers

import (
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/block"
)

// shower is a dashboard that shows the payments of some sites only.
type shower interface{ ShownSites() []string }

// unshown finds dashboards that were told to show a site which is none of this
// configuration: they stay empty, and nobody sees what waits there.
func unshown(app *caddyhttp.App, sites []*Handler) (out []Finding) {
	if app == nil {
		return nil
	}
	var known []string
	for _, h := range sites {
		known = adding(known, h.place().shopName())
	}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		for _, d := range handlersOf[shower](srv, srv.Routes) {
			for _, shown := range d.ShownSites() {
				if !slices.ContainsFunc(sites, func(h *Handler) bool { return h.owns(shown) }) {
					out = adding(out, Finding{Code: "unshown", Where: shown, Text: "payment_dashboard: no site of this configuration is called '" + shown + "', so its payments will not be seen; " + block.Suggest(shown, known)})
				}
			}
		}
	}
	return out
}
