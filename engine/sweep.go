package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// reach is how many due records one look sees, batch how many of them it asks
	// about, atOnce how many at a time, of one provider's or for one receiver;
	// handAtOnce is for all receivers together.
	reach      = 4096
	batch      = 256
	atOnce     = 8
	handAtOnce = 32
	// longestLease is no shorter than any lease, inheritMost bounds the look at
	// what had one.
	longestLease = 5 * time.Minute
	inheritMost  = 10_000
)

// Run is the worker: it takes up whatever is due until ctx ends. Several may
// run at once, on one node or many.
func (e *Engine) Run(ctx context.Context) {
	for _, ref := range e.Shared.takeStalled() {
		e.retryReport(ctx, ref)
	}
	var orphaned <-chan struct{}
	if o, ok := e.Store.(orphaner); ok {
		orphaned = o.Orphaned()
	}
	inherit := func() {
		if err := e.safely("", func() error { return e.inherit(ctx) }); err != nil && ctx.Err() == nil {
			e.trouble(nil, err, false)
		}
	}
	e.enrolAll(ctx)
	inherit()
	for {
		more, err := e.Sweep(ctx)
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
			inherit()
		case <-e.Clock.After(wait):
		}
	}
}

// inherit takes up at once what a dead owner was doing: its leases are dead, but
// its records are not due before they would have ended.
func (e *Engine) inherit(ctx context.Context) error {
	refs, err := e.Store.Due(ctx, e.now().Add(longestLease), inheritMost)
	if err != nil {
		return fmt.Errorf("looking for interrupted payments: %w", err)
	}
	for _, ref := range refs {
		rec, err := e.Store.Get(ctx, ref)
		if errors.Is(err, payment.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("looking for interrupted payments: %w", err)
		}
		busy := rec.State == payment.Verifying || rec.State == payment.Delivering && !rec.Lease.Until.IsZero()
		if !busy || e.Store.Alive(rec.Lease) || !rec.Due.After(e.now()) {
			continue
		}
		if err := e.rest(ctx, rec, e.now()); err != nil {
			return err
		}
		failpoint.Hit(failpoint.Inherited)
	}
	return nil
}

// Sweep takes up what is due now, once. Questions to providers are waited for;
// what is handed to shops and networks goes on by itself, so that one that hangs
// lets no provider's window close. more is true if there may be more.
func (e *Engine) Sweep(ctx context.Context) (more bool, err error) {
	if err := e.Store.Ready(); err != nil && !errors.Is(err, payment.ErrFull) {
		return false, fmt.Errorf("looking for due payments: %w", err)
	}
	refs, err := e.Store.Due(ctx, e.now(), reach)
	if err != nil {
		return false, fmt.Errorf("looking for due payments: %w", err)
	}
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	asked, taken := 0, 0
	// What has begun goes on where there is no room for more, until nothing can be
	// written any more.
	var full atomic.Bool
	for _, ref := range refs {
		if ctx.Err() != nil || full.Load() {
			break
		}
		rec, err := e.Store.Get(ctx, ref)
		if err != nil {
			continue // it is gone, or the next look finds it
		}
		work := func() {
			// What is begun is finished, whatever becomes of the worker.
			err := e.safely(ref, func() error { return e.take1(context.WithoutCancel(ctx), ref) })
			if errors.Is(err, payment.ErrFull) {
				full.Store(true)
			}
			if err != nil && !errors.Is(err, payment.ErrConflict) && !errors.Is(err, errPanicked) {
				e.trouble(nil, err, false)
			}
		}
		if to := receiver(rec); to != "" {
			if e.hand(ref, to, work) {
				taken++
			}
			continue
		}
		if asked == batch {
			continue
		}
		if !e.begin() {
			break
		}
		asked++
		taken++
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots; e.running.Done() }()
			work()
		})
	}
	all.Wait()
	return taken > 0 && !full.Load() && (len(refs) == reach || asked == batch), nil
}

// receiver is who is to be told of a record, empty where a provider is to be
// asked.
func receiver(rec *payment.Record) string {
	switch rec.State {
	case payment.Verified, payment.Delivering:
		return "site " + rec.Site
	case payment.Delivered:
		if rec.Conversion != nil {
			return "network " + rec.Conversion.Track.Affiliate
		}
	}
	return ""
}

// hand lets work go on by itself, unless it does already or its receiver has
// enough to do.
func (e *Engine) hand(ref payment.Ref, to string, work func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.handing[ref] != "" {
		return false
	}
	n := 0
	for _, other := range e.handing {
		if other == to {
			n++
		}
	}
	if n >= atOnce || len(e.handing) >= handAtOnce {
		e.crowded = true
		return false
	}
	e.handing[ref] = to
	e.running.Add(1)
	go func() {
		defer e.running.Done()
		work()
		e.mu.Lock()
		delete(e.handing, ref)
		crowded := e.crowded
		e.crowded = false
		e.mu.Unlock()
		if crowded {
			e.poke()
		}
	}()
	return true
}

func (e *Engine) retryReport(ctx context.Context, ref payment.Ref) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil || rec.Conversion == nil || rec.Conversion.State != payment.ConversionOpen {
		return
	}
	rec.Conversion.Next = e.now()
	if err := e.rest(ctx, rec, e.now()); err != nil {
		e.trouble(rec, err, false)
	}
}
