package engine

import (
	"context"
	"fmt"

	"github.com/rahgir/caddy-payments/payment"
)

// Erase takes out of a finished payment what is known of its payer. The uniqueness keys
// stay.
func (e *Engine) Erase(ctx context.Context, ref payment.Ref, version uint64, note payment.Note) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if rec.Version != version {
		return rec, payment.ErrConflict
	}
	if err := rec.Erase(note, e.now()); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	return rec, nil
}
