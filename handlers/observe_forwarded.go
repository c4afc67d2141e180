package handlers

import (
	"context"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/payment"
)

// relayedOf returns the payment that a relay knows of an id, or nil without an error. A
// create that passed while the ledger could not record it is found where it was marked,
// so that its return is bound to it from the start; eng is nil where no ledger is open.
func (h *Handler) relayedOf(ctx context.Context, eng *engine.Engine, o *Observe, id string) (*payment.Record, error) {
	var rec *payment.Record
	var err error
	if eng != nil {
		rec, err = eng.RelayOf(ctx, o.Provider, id)
	}
	if rec != nil && err == nil {
		return rec, nil
	}
	app, ok := h.app.(relay.App)
	if !ok {
		return nil, err
	}
	made := engine.ForwardedCreate(app.Forwarded(), id, func(name string) bool {
		info, ok := h.app.Provider(name)
		return ok && info.Terms().Issuer == o.conf.provider.terms.Issuer
	})
	if made != nil {
		return made, nil
	}
	return nil, err
}
