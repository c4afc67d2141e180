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

// guardErrors sees to it that no error route that a request of this site may
// come to is without a guard: the server's, and those of the subroutes that hold
// this handler.
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

// errAlone explains what Caddy makes of a named route.
var errAlone = errors.New("`payments` stands alone in it: Caddy 2.11 keeps only the first handler of a named route in which no directive has a matcher, so nothing would be left to hand a payment to. " +
	"Put the route's directives into `route { … }`, or import a snippet instead")

// alone refuses a named route of which Caddy has dropped all handlers but ours:
// the empty answer at its end would look like a shop's. The guard by itself may
// stand there, in front of what follows the `invoke`.
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

// rawly reports whether a handler that is just being loaded is one of ours with
// routes of its own: while it is provisioned, its route holds but its JSON.
func rawly(raw []byte) bool {
	var h struct {
		Handler                          string            `json:"handler"`
		Track, Checkout, Verify, Require []json.RawMessage `json:",omitempty"`
	}
	return json.Unmarshal(raw, &h) == nil && h.Handler == "payments" && len(h.Track)+len(h.Checkout)+len(h.Verify)+len(h.Require) > 0
}
