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
	// longestLease is at least as long as any lease. inheritStep is how many records the
	// first look for leases reads.
	longestLease = 5 * time.Minute
	inheritStep  = 1_000
)

// Run is the worker. It does whatever is due until ctx ends. Several may run at once, on one
// node or many.
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
	// The owner is told about a new account at start, and not with its first payment.
	for _, name := range e.sorted {
		e.account(ctx, e.Providers[name])
	}
	inherit()
	defer e.awaitAnswers()
	for {
		e.readForwarded(ctx)
		e.listUnverified(ctx)
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

// inherit resumes at once what a dead owner was doing. The owner's leases are dead, but the
// records would be due only when the leases end. It looks at all of them, however many
// records are due.
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
			if err := e.inheritOne(ctx, ref); err != nil {
				return err
			}
		}
		if len(refs) < limit || ctx.Err() != nil {
			return nil
		}
	}
}

func (e *Engine) inheritOne(ctx context.Context, ref payment.Ref) error {
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
	if err := e.reschedule(ctx, rec, e.now()); err != nil {
		return err
	}
	failpoint.Hit(failpoint.Inherited)
	return nil
}

// retryReport makes the open reports of a record due now.
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
