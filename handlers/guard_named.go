package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// guardErrors puts a guard before every error route that a request of this site may reach:
// those of the server, and those of the subroutes around this handler.
func (h *Handler) guardErrors(ctx caddy.Context) error {
	if err := guardErrors(h.server.Errors, h); err != nil {
		return err
	}
	for _, parent := range ctx.Modules() {
		if sub, ok := parent.(*caddyhttp.Subroute); ok {
			if err := guardErrors(sub.Errors, h); err != nil {
				return err
			}
		}
	}
	return nil
}

// errAlone explains what Caddy does with such a named route.
var errAlone = errors.New("`payments` is alone in it: Caddy 2.11 keeps only the first handler of a named route in which no directive has a matcher, so nothing would be left to hand a payment to. " +
	"Put the route's directives into `route { … }`, or import a snippet instead")

// alone refuses a named route of which Caddy has dropped all handlers but ours, because the
// empty answer at its end would look like a shop's. A block without routes is allowed: it
// guards what follows the `invoke`.
func (h *Handler) alone() error {
	if h.server == nil || len(h.Track)+len(h.Checkout)+len(h.Verify)+len(h.Require) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(h.server.NamedRoutes)) {
		route := h.server.NamedRoutes[name]
		switch {
		case route == nil:
		case len(route.Handlers) == 1 && route.Handlers[0] == caddyhttp.MiddlewareHandler(h),
			len(route.HandlersRaw) == 1 && rawly(route.HandlersRaw[0]):
			return fmt.Errorf("named route %s: %w", name, errAlone)
		}
	}
	return nil
}

// rawly reports whether a handler that is being loaded is one of ours with routes. While it is
// provisioned, its Caddy route has only its JSON.
func rawly(raw []byte) bool {
	var h struct {
		Handler                          string            `json:"handler"`
		Track, Checkout, Verify, Require []json.RawMessage `json:",omitempty"`
	}
	return json.Unmarshal(raw, &h) == nil && h.Handler == "payments" && len(h.Track)+len(h.Checkout)+len(h.Verify)+len(h.Require) > 0
}
