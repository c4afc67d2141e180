package engine

import (
	"context"

	"github.com/rahgir/caddy-payments/payment"
)

// perhapsTold reports whether a payment was settled in an older generation: the ledger
// was put back or lost its tail since, and may have forgotten that the shop heard
// "first". Then nobody hears it but by a person's decision, which is of this generation.
func (e *Engine) perhapsTold(ctx context.Context, rec *payment.Record) (bool, error) {
	gen, err := e.generation(ctx)
	return err == nil && rec.Generation != gen.Seq, err
}

// parkOld holds such a payment for a person, where nobody does yet.
func (e *Engine) parkOld(ctx context.Context, rec *payment.Record) error {
	if rec.State != payment.Verified {
		return nil
	}
	if err := rec.ParkDelivery(payment.ReasonOldGeneration, e.now()); err != nil {
		return err
	}
	return e.park(ctx, rec)
}
