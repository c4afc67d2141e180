package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/rahgir/caddy-payments/payment"
)

// errPanicked is the error for a panic in a payment's work.
var errPanicked = errors.New("a payment's work panicked")

// safely runs the work of one payment and catches a panic, which would end the process with
// all its sites. The payment is resumed when its lease is over. The panic's value is not
// reported, because it may contain anything.
func (e *Engine) safely(ref payment.Ref, work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %T\n%s", errPanicked, v, debug.Stack())
			e.observe(EventPanicked, &payment.Record{Ref: ref}, err, true)
		}
	}()
	return work()
}

// settling returns settle as a function for Shared.settles. A panic in it would end the
// process.
func (e *Engine) settling(ctx context.Context, j job) func() (any, error) {
	return func() (any, error) {
		growStack(0)
		var rec *payment.Record
		err := e.safely(j.ref, func() (err error) {
			rec, err = e.settle(ctx, j)
			return err
		})
		return rec, err
	}
}

// growStack lets the stack of a new goroutine grow at once to what a settlement needs, while
// there is nothing on it to move. Otherwise it grows three times, in the middle of the
// look-ups, and each time all frames are found and moved.
//
//go:noinline
func growStack(i int) byte {
	var room [12 << 10]byte
	return room[i]
}
