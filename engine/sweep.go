package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
		if err := e.inherit(ctx); err != nil && ctx.Err() == nil {
			e.observe(EventStore, nil, err, false)
		}
	}
	inherit()
	for {
		more, err := e.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			e.observe(EventStore, nil, err, false)
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
	}
	return nil
}

// Sweep takes up what is due now, once. Questions to providers are waited for;
// what is handed to shops and networks goes on by itself, so that one that hangs
// lets no provider's window close. more is true if there may be more.
func (e *Engine) Sweep(ctx context.Context) (more bool, err error) {
	if err := e.Store.Ready(); err != nil {
		return false, fmt.Errorf("looking for due payments: %w", err)
	}
	refs, err := e.Store.Due(ctx, e.now(), reach)
	if err != nil {
		return false, fmt.Errorf("looking for due payments: %w", err)
	}
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	asked, taken := 0, 0
	for _, ref := range refs {
		if ctx.Err() != nil {
			break
		}
		rec, err := e.Store.Get(ctx, ref)
		if err != nil {
			continue // it is gone, or the next look finds it
		}
		work := func() {
			// What is begun is finished, whatever becomes of the worker.
			if err := e.take1(context.WithoutCancel(ctx), ref); err != nil && !errors.Is(err, payment.ErrConflict) {
				e.observe(EventStore, nil, err, false)
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
	return taken > 0 && (len(refs) == reach || asked == batch), nil
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

// take1 does the next thing for one due record.
func (e *Engine) take1(ctx context.Context, ref payment.Ref) error {
	rec, err := e.Store.Get(ctx, ref)
	if errors.Is(err, payment.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if rec.Due.IsZero() || rec.Due.After(e.now()) {
		return nil
	}
	switch rec.State {
	case payment.Created:
		return e.unasked(ctx, rec)
	case payment.Verifying, payment.Unknown:
		return e.again(ctx, rec)
	case payment.Declined, payment.Expired:
		return e.refusedBefore(ctx, rec)
	case payment.Verified:
		return e.handOver(ctx, rec)
	case payment.Delivering:
		return e.lapsed(ctx, rec)
	}
	if rec.Conversion != nil && rec.Conversion.State == payment.ConversionOpen && rec.State == payment.Delivered {
		return e.report(ctx, rec)
	}
	return e.rest(ctx, rec, time.Time{})
}

// rest sets when to look again and nothing else.
func (e *Engine) rest(ctx context.Context, rec *payment.Record, at time.Time) error {
	rec.Due = at
	return ignoreConflict(e.commit(ctx, rec, true))
}

// again settles an open question of a record.
func (e *Engine) again(ctx context.Context, rec *payment.Record) error {
	prov, err := e.provider(rec.Provider)
	if err != nil {
		// The configuration lost the provider; it may come back.
		e.observe(EventOperator, rec, err, true)
		return e.rest(ctx, rec, e.now().Add(10*time.Minute))
	}
	j := job{ref: rec.Ref, prov: prov, worker: true}
	_, err, _ = e.Shared.flights.Do(string(rec.Ref), func() (any, error) { return e.settle(ctx, j) })
	switch {
	case errors.Is(err, ErrUnanswered):
		return nil
	case errors.Is(err, ErrOrderPaid), errors.Is(err, ErrUnknownOrder), errors.Is(err, ErrForeign):
		// Never asked: what was not verified goes back, and a new return may come.
		return e.drop(ctx, rec.Ref, err)
	}
	return err
}

// drop ends a record that will not be asked about.
func (e *Engine) drop(ctx context.Context, ref payment.Ref, cause error) error {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return err
	}
	why := payment.ReasonUnknownID
	if errors.Is(cause, ErrOrderPaid) {
		why = payment.ReasonOrderPaid
	}
	switch rec.State {
	case payment.Created:
		err = rec.EndUnasked(payment.Refuse, why, e.now())
	case payment.Unknown:
		err = rec.EndUnasked(payment.Lapse, why, e.now())
	case payment.Declined, payment.Expired:
	default:
		return nil // it went on meanwhile
	}
	if err != nil {
		return err
	}
	rec.Reason = why
	return e.rest(ctx, rec, time.Time{})
}

// unasked looks after an intent: a customer who never returned is settled too,
// if the payment can also be delivered (rule 8).
func (e *Engine) unasked(ctx context.Context, rec *payment.Record) error {
	if rec.Return != nil && !rec.Return.Arrived.IsZero() {
		return e.again(ctx, rec) // admitted, not asked yet
	}
	if rec.Return == nil || !rec.Expect.Known() {
		return e.rest(ctx, rec, time.Time{})
	}
	prov, err := e.provider(rec.Provider)
	if err != nil {
		return e.rest(ctx, rec, e.now().Add(10*time.Minute))
	}
	inquirer, can := prov.Provider.(payment.Inquirer)
	if !can {
		return e.again(ctx, rec)
	}
	if !e.Shared.breaker(prov.Traits().Issuer).allow(e.now()) {
		return e.rest(ctx, rec, e.now().Add(breakerMost))
	}
	a := e.call(ctx, prov, rec, inquirer.Inquire)
	e.Shared.breaker(prov.Traits().Issuer).done(a.Outcome != payment.OutcomeUnknown, e.now())
	switch a.Outcome {
	case payment.OutcomeAwaiting:
		rec.Attempts.Awaiting = e.now()
		if err := e.commit(ctx, rec, false); err != nil {
			return ignoreConflict(err)
		}
		return e.again(ctx, rec)
	case payment.OutcomeAgain:
		return e.again(ctx, rec)
	case payment.OutcomeOperator:
		e.observe(EventOperator, rec, a.Err, true)
	}
	at := nextUnasked(rec, true, e.now())
	if at.IsZero() {
		if err := rec.EndUnasked(payment.Lapse, payment.ReasonNotPaid, e.now()); err != nil {
			return err
		}
	}
	return e.rest(ctx, rec, at)
}

// refusedBefore asks again after a "no", or forgets a stranger's invention.
func (e *Engine) refusedBefore(ctx context.Context, rec *payment.Record) error {
	if rec.Expect.Source == payment.FromNone && rec.Reason != payment.ReasonWaiting && e.now().Sub(rec.CreatedAt) >= strangerKept {
		return ignoreConflict(e.Store.Forget(ctx, rec.Ref, rec.Version))
	}
	return e.again(ctx, rec)
}

// handOver delivers a verified payment that no browser came for.
func (e *Engine) handOver(ctx context.Context, rec *payment.Record) error {
	p, ok := Policy{}, false
	if e.Sites != nil {
		p, ok = e.Sites.Policy(rec)
	}
	if !ok || rec.Return == nil {
		return e.unplaced(ctx, rec)
	}
	if p.Park && !rec.Expect.Checkout && !given(rec) {
		if err := rec.ParkDelivery(payment.ReasonAbsent, e.now()); err != nil {
			return err
		}
		if err := e.commit(ctx, rec, false); err != nil {
			return ignoreConflict(err)
		}
		e.observe(EventParked, rec, nil, true)
		return nil
	}
	return e.deliver(ctx, rec, p)
}

// given: a person decided that it is credited.
func given(rec *payment.Record) bool {
	for _, n := range rec.Notes {
		if n.Action == string(payment.Accept) {
			return true
		}
	}
	return false
}

// unplaced: no running site takes the payment. It stays verified, loudly.
func (e *Engine) unplaced(ctx context.Context, rec *payment.Record) error {
	if rec.Reason != payment.ReasonNoRoute {
		rec.Reason = payment.ReasonNoRoute
		e.observe(EventMissed, rec, nil, true)
	}
	return e.rest(ctx, rec, e.now().Add(time.Minute))
}

// lapsed takes up a delivery whose owner died, or that is due again.
func (e *Engine) lapsed(ctx context.Context, rec *payment.Record) error {
	if e.Store.Alive(rec.Lease) {
		return e.rest(ctx, rec, rec.Lease.Until)
	}
	p, ok := Policy{Once: true}, false
	if e.Sites != nil {
		p, ok = e.Sites.Policy(rec)
	}
	if !ok {
		return e.rest(ctx, rec, e.now().Add(time.Minute))
	}
	if p.Once {
		if err := rec.ParkDelivery(payment.ReasonOwnerDied, e.now()); err != nil {
			return err
		}
		if err := e.commit(ctx, rec, false); err != nil {
			return ignoreConflict(err)
		}
		e.observe(EventParked, rec, nil, true)
		return nil
	}
	return e.deliver(ctx, rec, p)
}

func (e *Engine) deliver(ctx context.Context, rec *payment.Record, p Policy) error {
	rec, err := e.StartDelivery(ctx, rec.Ref, payment.ViaWorker, "", nil, p)
	if errors.Is(err, ErrNotNow) {
		return nil
	}
	if err != nil {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, deliveryLimit)
	defer cancel()
	_, err = e.EndDelivery(ctx, rec, e.Sites.Deliver(callCtx, rec), p)
	return err
}

func (e *Engine) retryReport(ctx context.Context, ref payment.Ref) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil || rec.Conversion == nil || rec.Conversion.State != payment.ConversionOpen {
		return
	}
	rec.Conversion.Next = e.now()
	if err := e.rest(ctx, rec, e.now()); err != nil {
		e.observe(EventStore, rec, err, false)
	}
}
