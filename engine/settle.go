package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// job is one settlement: a return, or the worker's own question.
type job struct {
	ref      payment.Ref
	ask      Ask
	prov     Provider
	stranger bool
	// worker: nobody waits, and there may be no return.
	worker bool
}

const (
	// claimTries bounds the loop over conflicts with other owners.
	claimTries = 64
	// otherOwner is how often a record is read while another owner works.
	otherOwner = 100 * time.Millisecond
)

// settle brings a record as far as it can now: it claims, asks, and commits.
// It returns the record as it stands afterwards.
func (e *Engine) settle(ctx context.Context, j job) (*payment.Record, error) {
	traits := j.prov.Traits()
	waited := time.Duration(0)
	for tries := 0; tries < claimTries; {
		rec, err := e.load(ctx, j, traits)
		if err != nil {
			return nil, err
		}
		if settled(rec) || !j.worker && e.tooSoon(rec, j.stranger) {
			return rec, nil
		}
		if rec.State == payment.Verifying && e.Store.Alive(rec.Lease) {
			if waited > e.leaseFor(j.prov) {
				return rec, nil
			}
			<-e.Clock.After(otherOwner)
			waited += otherOwner
			continue
		}
		rec, err = e.expect(ctx, j, rec)
		if err != nil {
			return rec, err
		}
		done := func() {}
		if j.worker && traits.GivesBack && !e.policy(rec, j).Many && waited <= e.leaseFor(j.prov) {
			// Two payments of one order that wait for the same provider must not
			// both be taken.
			var alone bool
			if done, alone = e.Shared.alone(payment.OrderKey(rec.Site, rec.Provider, rec.Order)); !alone {
				<-e.Clock.After(otherOwner)
				waited += otherOwner
				continue
			}
		}
		if paid, err := e.orderPaid(ctx, rec, j, traits); err != nil || paid {
			done()
			return rec, orErr(err, ErrOrderPaid)
		}
		rec, err = e.attempt(ctx, j, rec, traits)
		done()
		if errors.Is(err, payment.ErrConflict) {
			tries++
			continue
		}
		return rec, err
	}
	return nil, fmt.Errorf("claiming a payment: %w", payment.ErrConflict)
}

// load returns the record, or a new one that is not written yet.
func (e *Engine) load(ctx context.Context, j job, t payment.Traits) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, j.ref)
	if err == nil {
		return rec, nil
	}
	if !errors.Is(err, payment.ErrNotFound) || j.worker {
		return nil, err
	}
	gen, err := e.generation(ctx)
	if err != nil {
		return nil, err
	}
	now := e.now()
	return &payment.Record{
		Ref: j.ref, Site: j.ask.Site, Route: j.ask.Route, Provider: j.ask.Provider,
		Issuer: t.Issuer, Environment: t.Environment,
		ID: j.ask.Claimed.ID, Order: j.ask.Order, State: payment.Created,
		Generation: gen.Seq, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// expect makes sure that the expectation is known before anything is asked
// (rule 1).
func (e *Engine) expect(ctx context.Context, j job, rec *payment.Record) (*payment.Record, error) {
	if !j.worker && j.ask.Bound != nil {
		switch {
		case j.ask.Bound(rec.Order):
			rec.Expect.Unbound = false
		case !arrived(rec):
			rec.Expect.Unbound = true
		}
	}
	if !rec.Expect.Known() {
		x, err := e.expectation(ctx, j, rec)
		if errors.Is(err, ErrUnanswered) {
			return e.wait(ctx, j, rec)
		}
		if err != nil {
			return nil, err
		}
		x.Unbound = rec.Expect.Unbound
		rec.Expect = x
	}
	return rec, nil
}

func (e *Engine) expectation(ctx context.Context, j job, rec *payment.Record) (payment.Expectation, error) {
	if j.ask.Expect != nil {
		return j.ask.Expect(ctx, rec.ID)
	}
	if e.Sites == nil {
		return payment.Expectation{}, ErrUnanswered
	}
	return e.Sites.Expect(ctx, rec)
}

// wait records a return whose shop has not said what it expects: the worker
// asks again.
func (e *Engine) wait(ctx context.Context, j job, rec *payment.Record) (*payment.Record, error) {
	now := e.now()
	e.remember(rec, j, now)
	rec.Due = now.Add(spread(20*time.Second, 0.3, e.Rand()))
	enough := now.Sub(later(rec.CreatedAt, claimed(rec))) > intentKept
	if enough {
		rec.Due = time.Time{}
	}
	rec.Reason, rec.UpdatedAt = payment.ReasonWaiting, now
	err := e.commit(ctx, rec, false)
	if err != nil && !errors.Is(err, payment.ErrConflict) {
		return nil, err
	}
	if enough && err == nil {
		e.observe(EventUnknown, rec, ErrUnanswered, true)
	}
	return rec, ErrUnanswered
}

// orderPaid refuses a second payment of a paid order where its money goes back
// by itself if nobody verifies it (rule 5). One that may have been verified is
// asked about: what was taken must not be forgotten.
func (e *Engine) orderPaid(ctx context.Context, rec *payment.Record, j job, t payment.Traits) (bool, error) {
	if e.policy(rec, j).Many || !t.GivesBack || rec.Attempts.Unknown > 0 || rec.Attempts.Open {
		return false, nil
	}
	holder, err := e.Store.Holder(ctx, payment.OrderKey(rec.Site, rec.Provider, rec.Order))
	if errors.Is(err, payment.ErrNotFound) {
		return false, nil
	}
	return err == nil && holder != rec.Ref, err
}

func (e *Engine) policy(rec *payment.Record, j job) Policy {
	if !j.worker || e.Sites == nil {
		return j.ask.Policy
	}
	p, _ := e.Sites.Policy(rec)
	return p
}

// attempt claims the record durably, asks the provider and commits what that
// means.
func (e *Engine) attempt(ctx context.Context, j job, rec *payment.Record, t payment.Traits) (*payment.Record, error) {
	laneCtx, cancel := context.WithTimeout(ctx, j.prov.Timeout)
	leave, err := e.Shared.enter(laneCtx, t.Issuer, j.stranger)
	cancel()
	if err != nil {
		return e.postpone(ctx, j, rec)
	}
	defer leave()
	breaker := e.Shared.breaker(t.Issuer)
	if !breaker.allow(e.now()) {
		return e.postpone(ctx, j, rec)
	}
	now := e.now()
	e.remember(rec, j, now)
	if err := rec.StartAttempt(now, e.lease(e.leaseFor(j.prov))); err != nil {
		breaker.cancel()
		return rec, err
	}
	if j.worker && rec.Return != nil && rec.Return.Arrived.IsZero() {
		rec.Attempts.Unasked++
	}
	if err := e.commit(ctx, rec, false); err != nil {
		// Not one byte has gone out: whatever the store did, a later look at the
		// record tells.
		breaker.cancel()
		return nil, err
	}
	answer := e.call(ctx, j.prov, rec, j.prov.Verify)
	if breaker.done(answer.Outcome != payment.OutcomeUnknown, e.now()) {
		e.observe(EventBreaker, rec, answer.Err, true)
	}
	return e.finish(ctx, j, rec, answer, t)
}

// remember keeps the return that a record came with, for a delivery without
// its browser.
func (e *Engine) remember(rec *payment.Record, j job, now time.Time) {
	if j.worker {
		return
	}
	if j.ask.Claimed.Hint != payment.HintUnpaid {
		rec.Attempts.Claimed = true
	}
	ret := j.ask.Return
	if ret.Arrived.IsZero() {
		ret.Arrived = now
	}
	wrong := j.ask.Bound != nil && !j.ask.Bound(rec.Order)
	if arrived(rec) && (wrong || ret.Machine && !rec.Return.Machine) {
		// Keep the one that was bound, and that of the browser.
		rec.Return.Arrived = ret.Arrived
		return
	}
	if rec.Route == "" {
		// Of two providers with one pay page the return tells which it is.
		rec.Route, rec.Provider = j.ask.Route, j.ask.Provider
	}
	rec.Return = &ret
}

// postpone puts an admitted return on record without asking: the breaker is
// open or the lane is full. The worker asks.
func (e *Engine) postpone(ctx context.Context, j job, rec *payment.Record) (*payment.Record, error) {
	now := e.now()
	e.remember(rec, j, now)
	if no := rec.State == payment.Declined || rec.State == payment.Expired; !no || !j.worker {
		rec.Reason = payment.ReasonWaiting
	}
	rec.UpdatedAt = now
	rec.Due = now.Add(spread(breakerWait, 0.3, e.Rand()))
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	return rec, nil
}

func (e *Engine) leaseFor(p Provider) time.Duration {
	return max(minLease, 2*p.Timeout+leaseMargin)
}

// call asks the provider within its time-out. A panic in a provider is an
// unknown answer, not the end of the process.
func (e *Engine) call(ctx context.Context, p Provider, rec *payment.Record, f func(context.Context, payment.Query) payment.Answer) (a payment.Answer) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	start := e.now()
	defer func() {
		if v := recover(); v != nil {
			a = payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBadAnswer, Err: fmt.Errorf("provider panicked: %T", v)}
		}
		if c, ok := e.Clock.(storeClock); ok && a.HasOffset {
			a.Offset -= c.ahead() // it was measured with the machine's
		}
		e.Observer.Observe(Event{Name: EventAsked, Record: rec, Err: a.Err, Took: e.now().Sub(start)})
	}()
	return f(ctx, payment.Query{ID: rec.ID, Order: rec.Order, Amount: rec.Expect.Amount})
}

// finish commits what an answer means (rule 2).
func (e *Engine) finish(ctx context.Context, j job, rec *payment.Record, a payment.Answer, t payment.Traits) (*payment.Record, error) {
	inquirer, canInquire := j.prov.Provider.(payment.Inquirer)
	gen, err := e.generation(ctx)
	if err != nil {
		return e.reread(ctx, rec, err)
	}
	facts := payment.Facts{Traits: t, Generation: gen, UsedIDsKnown: j.prov.UsedIDsKnown, CanInquire: canInquire}
	v := payment.Decide(rec, a, facts)
	if v.Inquire {
		facts.Inquiry = true
		a = e.call(ctx, j.prov, rec, inquirer.Inquire)
		v = payment.Decide(rec, a, facts)
	}
	if v.Reason == payment.ReasonOperator {
		e.observe(EventOperator, rec, a.Err, true)
	}
	next := rec.Clone()
	if err := e.apply(next, j, v, a, t); err != nil {
		return rec, err
	}
	err = e.commit(ctx, next, v.Trigger == payment.Silence, e.take(next, j, v)...)
	var taken *payment.TakenError
	if errors.As(err, &taken) {
		v = payment.Verdict{Trigger: payment.Doubt, Reason: payment.ReasonReceiptUsed}
		if taken.Key.Kind == payment.KeyOrder {
			v.Reason = payment.ReasonSecondPayment
		}
		next = rec.Clone()
		if err := e.apply(next, j, v, a, t); err != nil {
			return rec, err
		}
		err = e.commit(ctx, next, false)
	}
	if err != nil {
		return e.reread(ctx, rec, err)
	}
	e.announceVerdict(j, next, v, a)
	return next, nil
}

// apply takes the verdict's step on a copy.
func (e *Engine) apply(next *payment.Record, j job, v payment.Verdict, a payment.Answer, t payment.Traits) error {
	now := e.now()
	var retry time.Time
	switch v.Trigger {
	case payment.Silence:
		at, ok := afterSilence(next, t, now, a.RetryAfter, e.Rand())
		if !ok {
			v = payment.Verdict{Trigger: payment.Doubt, Reason: payment.ReasonNeverAnswered}
		}
		retry = at
	case payment.Confirm:
		retry = now
		if arrived(next) && !next.Return.Machine {
			retry = now.Add(browserGrace)
		}
	case payment.Refuse, payment.Lapse:
		retry = e.afterNo(next, j, v, t, now)
	case payment.Doubt:
		if v.Reason == payment.ReasonAfterSilence && !next.Attempts.Claimed && next.Return != nil {
			// Nobody has claimed it: its customer may still be at the bank. A person
			// looks when nothing more is to be asked.
			_, can := j.prov.Provider.(payment.Inquirer)
			if retry = nextUnasked(next, can, now); !retry.IsZero() {
				v.Trigger = payment.Silence
			}
		}
	}
	if err := next.EndAttempt(v, a, now, retry); err != nil {
		return err
	}
	if v.Trigger == payment.Confirm {
		next.Code = ""
		e.openConversion(next, now)
	}
	return nil
}

// afterNo is when to look again at a refused payment.
func (e *Engine) afterNo(next *payment.Record, j job, v payment.Verdict, t payment.Traits, now time.Time) time.Time {
	if v.Trigger == payment.Lapse {
		return time.Time{}
	}
	if next.Expect.Source == payment.FromNone && v.Reason == payment.ReasonUnknownID {
		// A stranger's invention: not asked again by us, forgotten in a day.
		return now.Add(strangerKept)
	}
	at := afterRefusal(next, t, now)
	if at.IsZero() && next.Expect.Source == payment.FromIntent && !next.Attempts.Claimed {
		_, can := j.prov.Provider.(payment.Inquirer)
		at = nextUnasked(next, can, now)
	}
	if at.IsZero() && next.Expect.Source == payment.FromNone {
		at = later(now, next.CreatedAt.Add(strangerKept))
	}
	return at
}

func (e *Engine) take(next *payment.Record, j job, v payment.Verdict) []payment.Key {
	if v.Trigger != payment.Confirm {
		return nil
	}
	return next.Keys(e.policy(next, j).Many)
}

// reread is what follows a commit whose outcome is not known: the record as it
// stands, never an assumption.
func (e *Engine) reread(ctx context.Context, rec *payment.Record, cause error) (*payment.Record, error) {
	now, err := e.Store.Get(ctx, rec.Ref)
	if err != nil || e.Store.Ready() != nil {
		return nil, cause
	}
	return now, nil
}

// announceVerdict tells the observers, and counts refusals.
func (e *Engine) announceVerdict(j job, r *payment.Record, v payment.Verdict, a payment.Answer) {
	switch r.State {
	case payment.Verified:
		e.observe(EventVerified, r, nil, false)
		if e.Shared.repeated(r, e.now()) {
			e.observe(EventTwin, r, nil, true)
		}
		if r.Return == nil || r.Return.Arrived.IsZero() || r.Return.Machine {
			e.poke()
		}
	case payment.Review:
		e.observe(EventReview, r, a.Err, true)
	case payment.Unknown:
		e.observe(EventUnknown, r, a.Err, v.Reason == payment.ReasonOperator)
	case payment.Expired:
		e.observe(EventExpired, r, nil, r.Attempts.Claimed)
	case payment.Declined:
		e.observe(EventDeclined, r, nil, false)
		if j.stranger {
			e.Shared.limits.refused(j.ask.Client, e.now())
		}
		if j.ask.Proof && v.Reason == payment.ReasonUnknownID && r.Attempts.Refused == 1 {
			e.Shared.limits.wrongID(j.ask.Site+"\n"+j.ask.Order, e.now())
		}
	}
}

func orErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
