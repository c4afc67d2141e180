package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// longestLease is no shorter than any lease, inheritStep is how many records the
	// first look at what had one sees.
	longestLease = 5 * time.Minute
	inheritStep  = 1_000
)

// Run is the worker: it takes up whatever is due until ctx ends. Several may
// run at once, on one node or many.
func (e *Engine) Run(ctx context.Context) {
	for _, ref := range e.Shared.takeStalled() {
		e.retryReport(ctx, ref)
	}
	var orphaned <-chan struct{}
	if o, ok := e.Store.(payment.Clustered); ok {
		orphaned = o.Orphaned()
	}
	inherit := func() {
		if err := e.safely("", func() error { return e.inherit(ctx) }); err != nil && ctx.Err() == nil {
			e.trouble(nil, err, false)
		}
	}
	e.enrolAll(ctx)
	inherit()
	defer e.answers()
	for {
		e.readForwarded(ctx)
		e.lists(ctx)
		more, err := e.sweep(ctx)
		if err != nil && ctx.Err() == nil {
			e.trouble(nil, err, false)
		}
		wait := e.Tick
		if more && err == nil {
			wait = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		case <-orphaned:
			e.relearn()
			inherit()
		case <-e.Clock.After(wait):
		}
	}
}

// inherit takes up at once what a dead owner was doing: its leases are dead, but
// its records are not due before they would have ended. However much else is due,
// all of it is looked at.
func (e *Engine) inherit(ctx context.Context) error {
	seen := make(map[payment.Ref]bool)
	for limit := inheritStep; ; limit *= 4 {
		refs, err := e.Store.Due(ctx, e.now().Add(longestLease), limit)
		if err != nil {
			return fmt.Errorf("looking for interrupted payments: %w", err)
		}
		for _, ref := range refs {
			if seen[ref] {
				continue
			}
			seen[ref] = true
			if err := e.inherit1(ctx, ref); err != nil {
				return err
			}
		}
		if len(refs) < limit || ctx.Err() != nil {
			return nil
		}
	}
}

func (e *Engine) inherit1(ctx context.Context, ref payment.Ref) error {
	rec, err := e.Store.Get(ctx, ref)
	if errors.Is(err, payment.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for interrupted payments: %w", err)
	}
	busy := rec.State == payment.Verifying || rec.State == payment.Delivering && !rec.Lease.Until.IsZero()
	if !busy || e.Store.Alive(rec.Lease) || !rec.Due.After(e.now()) {
		return nil
	}
	if err := e.rest(ctx, rec, e.now()); err != nil {
		return err
	}
	failpoint.Hit(failpoint.Inherited)
	return nil
}

// retryReport makes the reports of a record due now that waited for a receiver.
func (e *Engine) retryReport(ctx context.Context, ref payment.Ref) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil || rec.State == payment.Verifying {
		return
	}
	now, any := e.now(), false
	for i := range rec.Reports {
		if p := &rec.Reports[i]; p.State == payment.OpenReport && !p.Next.IsZero() {
			p.Next, any = now, true
		}
	}
	if !any {
		return
	}
	if err := ignoreConflict(e.commit(ctx, rec, true)); err != nil {
		e.trouble(rec, err, false)
	}
}
