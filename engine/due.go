package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/payment"
)

// doNext does the next thing for one due record: its state's own, else its next report.
// It reads the record again, because that may have waited in line; and by that read the
// simulation puts what begins at the same moment in order.
func (e *Engine) doNext(ctx context.Context, ref payment.Ref) error {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return ignoreNotFound(err)
	}
	if lost := rec.RefundDue(); !lost.IsZero() && !lost.After(e.now()) {
		return e.lostRefund(ctx, rec)
	}
	if !due(rec, e.now()) {
		return e.report(ctx, rec)
	}
	if rec.Observed != nil {
		return e.observedDue(ctx, rec)
	}
	asks := rec.State == payment.Created || rec.State == payment.Verifying || rec.State == payment.Unknown
	if rec.Relay != nil && asks {
		// What passed about it may be the answer to what we are about to ask. (A telling that was
		// cut off is ended before, so that what passed after it can be read in.)
		if rec, err = e.afterReading(ctx, rec); errors.Is(err, errNotReadIn) {
			return nil // the next look comes soon, and who can't read it in says so
		}
		if err != nil || !due(rec, e.now()) {
			return ignoreNotFound(err)
		}
	}
	if rec.Relay != nil {
		if done, err := e.relayDue(ctx, rec); done {
			return err
		}
	}
	switch rec.State {
	case payment.Created:
		return e.unasked(ctx, rec)
	case payment.Verifying, payment.Unknown:
		return e.askAgain(ctx, rec)
	case payment.Declined, payment.Expired:
		return e.refusedBefore(ctx, rec)
	case payment.Verified:
		return e.handOver(ctx, rec)
	case payment.Delivering:
		return e.lapsed(ctx, rec)
	case payment.Parked, payment.Review:
		e.repeatAlert(ctx, rec)
		return nil
	}
	return e.reschedule(ctx, rec, time.Time{})
}

// due: the record's state needs something now. That comes before its reports.
func due(rec *payment.Record, now time.Time) bool { return !rec.Due.IsZero() && !rec.Due.After(now) }

// reschedule sets when the worker looks again, and changes nothing else.
func (e *Engine) reschedule(ctx context.Context, rec *payment.Record, at time.Time) error {
	rec.Due = at
	return ignoreConflict(e.commit(ctx, rec, true))
}

// askAgain asks the provider again about a record.
func (e *Engine) askAgain(ctx context.Context, rec *payment.Record) error {
	prov, err := e.providerFor(rec)
	if err != nil {
		return e.orphaned(ctx, rec, err)
	}
	j := job{ref: rec.Ref, prov: prov, rules: e.Sites, worker: true}.as(rec)
	_, err, _ = e.Shared.settles.Do(string(rec.Ref), e.settling(ctx, j))
	switch {
	case errors.Is(err, ErrUnanswered):
		return nil
	case errors.Is(err, ErrOrderPaid), errors.Is(err, ErrUnknownOrder), errors.Is(err, ErrForeign):
		// Never asked: what was not verified goes back, and a new return may come.
		return e.drop(ctx, rec.Ref, err)
	}
	return err
}

// orphaned waits for an account that is not in the configuration any more; its block may come
// back. For a test payment nobody is alarmed, and it is left alone when its window is over,
// like an intent whose customer never came back.
func (e *Engine) orphaned(ctx context.Context, rec *payment.Record, cause error) error {
	if rec.Environment == payment.Sandbox {
		if rec.Reason = payment.ReasonSandbox; e.now().Sub(later(rec.CreatedAt, claimed(rec))) > intentKept {
			return e.reschedule(ctx, rec, time.Time{})
		}
		return e.reschedule(ctx, rec, e.now().Add(10*time.Minute))
	}
	now := e.now()
	since := now.Sub(later(rec.CreatedAt, claimed(rec)))
	claims := rec.State != payment.Created && rec.State != payment.Declined && rec.State != payment.Expired || arrived(rec) && rec.Attempts.Claimed
	switch {
	case rec.Observed != nil || rec.State == payment.Created && !claims:
		// It may be paid, but nobody says so yet.
		if since > intentKept {
			return e.reschedule(ctx, rec, time.Time{})
		}
		e.observe(EventNoAccount, rec, cause, true)
		return e.reschedule(ctx, rec, now.Add(orphanWait))
	case rec.State == payment.Declined || rec.State == payment.Expired:
		if rec.Reason != payment.ReasonWaiting {
			return e.reschedule(ctx, rec, forgetAt(rec)) // its own account has said no
		}
	case rec.State == payment.Unknown && rec.Reason == payment.ReasonNoAccount && since > payment.Patience:
		if err := rec.OrphanReview(now); err != nil {
			return err
		}
		e.keepForAlert(rec)
		if err := e.commit(ctx, rec, false); err != nil {
			return ignoreConflict(err)
		}
		e.alert(ctx, EventReview, rec, cause)
		return nil
	}
	if err := rec.Orphan(now, now.Add(orphanWait)); err != nil {
		return err
	}
	if err := e.commit(ctx, rec, true); err != nil {
		return ignoreConflict(err)
	}
	e.observe(EventNoAccount, rec, cause, true)
	return nil
}

// orphanWait is how often the worker looks whether a payment's account is back.
const orphanWait = time.Minute

// unaskable keeps a return of a payment whose account no provider block has, and asks nobody.
// Its customer is told that it is being confirmed.
func (e *Engine) unaskable(ctx context.Context, rec *payment.Record, a Ask, cause error) Result {
	if !e.begin() {
		return Result{Kind: Unavailable, Err: payment.ErrClosed}
	}
	defer e.running.Done()
	for range claimTries {
		if settled(rec) || rec.State == payment.Verifying && e.Store.Alive(rec.Lease) {
			return e.answer(rec, a)
		}
		now := e.now()
		next := rec.Clone()
		j := job{ask: a}
		e.binds(j, next)
		e.remember(next, j, now)
		if err := next.Orphan(now, now.Add(orphanWait)); err != nil {
			return Result{Kind: Unavailable, Err: err}
		}
		err := e.commit(ctx, next, false)
		if err == nil {
			e.observe(EventNoAccount, next, cause, true)
			return e.answer(next, a)
		}
		if !errors.Is(err, payment.ErrConflict) {
			return Result{Kind: Unavailable, Err: err}
		}
		if rec, err = e.Store.Get(ctx, rec.Ref); err != nil {
			return Result{Kind: Unavailable, Err: err}
		}
	}
	return Result{Kind: Unavailable, Err: payment.ErrConflict}
}

// drop ends a record about which the provider will not be asked.
func (e *Engine) drop(ctx context.Context, ref payment.Ref, cause error) error {
	e.Shared.limits.Leave(string(ref))
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return err
	}
	why, _ := reasonOf(cause)
	switch rec.State {
	case payment.Created:
		err = rec.EndUnasked(payment.Refuse, why, e.now())
	case payment.Unknown:
		err = rec.EndUnasked(payment.Lapse, why, e.now())
	case payment.Declined, payment.Expired:
		if rec.Expect.Source == payment.FromNone {
			// What it was told stays: a stranger who looks again learns of no order.
			if rec.Reason == payment.ReasonWaiting {
				rec.Reason = payment.ReasonNotPaid
			}
			return e.reschedule(ctx, rec, later(e.now(), rec.CreatedAt.Add(strangerKept)))
		}
	default:
		return nil // it went on meanwhile
	}
	if err != nil {
		return err
	}
	rec.Reason = why
	if rec.Expect.Known() {
		return e.reschedule(ctx, rec, time.Time{})
	}
	// Nothing but the return spoke for it. A few are kept as long as other traces, for
	// whoever looks for them.
	kept := strangerKept
	if e.Shared.limits.MayLeaveTrace("", e.now()) {
		kept = traceKept
	}
	return e.reschedule(ctx, rec, later(e.now(), rec.CreatedAt.Add(kept)))
}

// unasked looks after an intent whose customer has not returned. It is settled too, if it
// can also be delivered (rule 8).
func (e *Engine) unasked(ctx context.Context, rec *payment.Record) error {
	if rec.Return != nil && !rec.Return.Arrived.IsZero() {
		return e.askAgain(ctx, rec) // admitted, not asked yet
	}
	if !rec.Expect.Known() {
		return e.reschedule(ctx, rec, time.Time{})
	}
	prov, err := e.providerFor(rec)
	if err != nil {
		return e.orphaned(ctx, rec, err)
	}
	if rec.Return == nil {
		return e.unclaimed(ctx, prov, rec)
	}
	if !inquires(prov) {
		if unproved(prov.Terms(), rec, payment.Claimed{}) {
			return e.unprovable(ctx, prov, rec, false)
		}
		return e.askAgain(ctx, rec)
	}
	a, asked := e.inquire(ctx, prov, rec, false)
	if !asked {
		return e.reschedule(ctx, rec, e.now().Add(limit.BreakerMost))
	}
	switch a.Outcome {
	case payment.OutcomeAwaiting:
		if unproved(prov.Terms(), rec, payment.Claimed{}) {
			return e.unprovable(ctx, prov, rec, true)
		}
		rec.Attempts.Awaiting = e.now()
		if err := e.commit(ctx, rec, false); err != nil {
			return ignoreConflict(err)
		}
		return e.askAgain(ctx, rec)
	case payment.OutcomeAgain:
		return e.askAgain(ctx, rec)
	case payment.OutcomeOperator:
		e.observe(EventOperator, rec, a.Err, true)
	}
	rec.Attempts.Unasked++
	at := e.nextIdle(rec, true)
	if at.IsZero() {
		if err := rec.EndUnasked(payment.Lapse, payment.ReasonNotPaid, e.now()); err != nil {
			return err
		}
		at = forgetAt(rec)
	}
	return e.reschedule(ctx, rec, at)
}

// unprovable looks after an intent that can't be verified because its customer hasn't
// brought the proof. A person is told once that it is paid. It ends after its day.
func (e *Engine) unprovable(ctx context.Context, prov Provider, rec *payment.Record, paid bool) error {
	now := e.now()
	end := rec.CreatedAt.Add(max(intentKept, window(prov.Terms())))
	if !now.Before(end) {
		if err := rec.EndUnasked(payment.Lapse, payment.ReasonNotPaid, now); err != nil {
			return err
		}
		return e.reschedule(ctx, rec, forgetAt(rec))
	}
	news := paid && rec.Attempts.Awaiting.IsZero()
	if news {
		rec.Attempts.Awaiting, rec.Reason = now, payment.ReasonUnclaimed
	}
	rec.Due = end
	if err := e.commit(ctx, rec, !news); err != nil {
		return ignoreConflict(err)
	}
	if news {
		e.observe(EventUnclaimed, rec, nil, true)
	}
	return nil
}

// forgettable: there can be no money behind the record, and nobody will come for it. A
// stranger's invention is kept for a day. A payment that our checkout began and nobody
// claimed is kept for a week after the last question.
func (e *Engine) forgettable(rec *payment.Record) bool {
	if rec.State != payment.Declined && rec.State != payment.Expired || rec.Reason == payment.ReasonWaiting {
		return false
	}
	age := e.now().Sub(rec.CreatedAt)
	return unexplained(rec) && age >= strangerKept ||
		rec.Expect.Checkout && !rec.Attempts.Claimed && age >= intentKept+unclaimedKept
}

// forgetAt returns when an intent that nobody claimed is forgotten; zero means never.
func forgetAt(rec *payment.Record) time.Time {
	if rec.Relay != nil {
		return rec.CreatedAt.Add(relayLink)
	}
	if !rec.Expect.Checkout || rec.Attempts.Claimed {
		return time.Time{}
	}
	return rec.CreatedAt.Add(intentKept + unclaimedKept)
}

// unclaimed asks once about a payment that can't be delivered because the shop named no
// return address for it. If it is paid, a person is told.
func (e *Engine) unclaimed(ctx context.Context, prov Provider, rec *payment.Record) error {
	if !inquires(prov) || rec.Attempts.Unasked > 0 {
		return e.reschedule(ctx, rec, time.Time{})
	}
	a, asked := e.inquire(ctx, prov, rec, false)
	if !asked {
		return e.reschedule(ctx, rec, e.now().Add(limit.BreakerWait))
	}
	rec.Attempts.Unasked++
	paid := a.Outcome == payment.OutcomeAwaiting || a.Outcome == payment.OutcomeAgain
	if a.Outcome == payment.OutcomeAwaiting {
		rec.Attempts.Awaiting = e.now()
	}
	rec.Due = time.Time{}
	if paid {
		rec.Reason = payment.ReasonUnclaimed
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	if paid {
		e.observe(EventUnclaimed, rec, nil, true)
	}
	return nil
}

// refusedBefore asks again after a "no", or forgets the record.
func (e *Engine) refusedBefore(ctx context.Context, rec *payment.Record) error {
	if isTrace(rec) {
		return e.oldTrace(ctx, rec)
	}
	if e.forgettable(rec) {
		err := e.Store.Forget(ctx, rec.Ref, rec.Version)
		if !errors.Is(err, payment.ErrConflict) {
			return err
		}
		// Somebody was quicker, or there once was money behind it, as where a
		// person said no to a review: it stays, and is due no more.
		return e.reschedule(ctx, rec, time.Time{})
	}
	return e.askAgain(ctx, rec)
}
