package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/rahgir/caddy-payments/payment"
)

// errPanicked is what a panic in a payment's work becomes.
var errPanicked = errors.New("a payment's work panicked")

// safely runs the work of one payment, in goroutines for which nobody else
// catches a panic: it would end the process, with all sites that it serves. The
// payment is taken up again when its lease is over. What was panicked with is
// not told, because it may be anything.
func (e *Engine) safely(ref payment.Ref, work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %T\n%s", errPanicked, v, debug.Stack())
			e.observe(EventPanicked, &payment.Record{Ref: ref}, err, true)
		}
	}()
	return work()
}

// settling is settle for the settles of Shared, which would end the process if it
// panicked.
func (e *Engine) settling(ctx context.Context, j job) func() (any, error) {
	return func() (any, error) {
		var rec *payment.Record
		err := e.safely(j.ref, func() (err error) {
			rec, err = e.settle(ctx, j)
			return err
		})
		return rec, err
	}
}
