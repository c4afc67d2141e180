package engine

import (
	"context"
	"fmt"

	"github.com/rahgir/caddy-payments/payment"
)

// forward sends a shop's call to its provider. A panic in a provider's module is no
// answer, not the end of what was begun: a lane is left, a wish on record gets its end.
func forward(ctx context.Context, r payment.Relayer, c payment.RelayCall) (reply payment.RelayReply) {
	defer func() {
		if v := recover(); v != nil {
			reply = payment.RelayReply{Err: fmt.Errorf("provider panicked: %T", v)}
		}
	}()
	return r.ForwardCall(ctx, c)
}
