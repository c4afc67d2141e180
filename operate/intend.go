package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// ErrAnnouncedOtherwise says that the id is known for something else.
var ErrAnnouncedOtherwise = errors.New("this id was announced with another order or amount, belongs to another site, or is used up")

// Intend records a payment that a program of the shop's has started. After it returned
// without an error the intent is on disk, and a customer may be sent to pay.
func Intend(ctx context.Context, e *engine.Engine, in engine.Intent) (*payment.Record, error) {
	rec, wrong, err := e.Intend(ctx, in)
	switch {
	case wrong != nil:
		return nil, input("%s", wrong)
	case errors.Is(err, engine.ErrForeign):
		return nil, fmt.Errorf("%w: %w", ErrNotPossible, ErrAnnouncedOtherwise)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: it did not answer in time; announce the payment again before its customer is sent to the bank", ErrUnavailable)
	}
	return rec, translate(err)
}
