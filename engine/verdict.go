package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

// finish decides what an answer means, and commits that (rule 2).
func (e *Engine) finish(ctx context.Context, j job, rec *payment.Record, a payment.Answer, t payment.Terms) (*payment.Record, error) {
	v, a, gen, err := e.judge(ctx, j, rec, a, t)
	if err != nil {
		return e.reread(ctx, rec, err)
	}
	for range claimTries {
		next, err := e.decide(ctx, j, rec, v, a, t, gen)
		if next != nil {
			return next, err
		}
		fresh := e.stillAsking(ctx, rec, err)
		if fresh == nil {
			return e.reread(ctx, rec, err)
		}
		rec = fresh
	}
	return e.reread(ctx, rec, payment.ErrConflict)
}

// judge returns what an answer means, after an inquiry where one is needed, and the answer
// that says so.
func (e *Engine) judge(ctx context.Context, j job, rec *payment.Record, a payment.Answer, t payment.Terms) (payment.Verdict, payment.Answer, payment.Generation, error) {
	inquirer, canInquire := j.prov.Provider.(payment.Inquirer)
	gen, err := e.generation(ctx)
	if err != nil {
		return payment.Verdict{}, a, gen, err
	}
	facts := payment.Facts{Terms: t, Generation: gen, UsedIDsKnown: e.usedIDsKnown(ctx, j.prov), CanInquire: canInquire, Now: e.now()}
	facts.Inquiry = j.inquires
	v := payment.Decide(rec, a, facts)
	if j.settlesNot && (a.Outcome == payment.OutcomeAwaiting || a.Outcome == payment.OutcomeAgain) {
		// A second payment of a paid order, not taken: it goes back by itself.
		v, a.Receipt = payment.Verdict{Trigger: payment.Refuse, Reason: payment.ReasonOrderPaid}, nil
	}
	if v.Inquire && !facts.Inquiry {
		facts.Inquiry = true
		a = e.callFor(ctx, j.prov, rec, OperationInquire, inquirer.Inquire)
		v = payment.Decide(rec, a, facts)
	}
	if v.Reason == payment.ReasonOperator {
		e.observe(EventOperator, rec, a.Err, true)
	}
	return v, a, gen, nil
}

// stillAsking is the record of a payment that somebody wrote to while this node asks for
// it, nil where the claim is not ours any more. A relayed shop's page begins and ends
// beside our question, and is noted in the same record.
//
// Invariant: an answer of the provider's is dropped only by whoever lost the claim.
func (e *Engine) stillAsking(ctx context.Context, rec *payment.Record, err error) *payment.Record {
	if !errors.Is(err, payment.ErrConflict) || rec.Relay == nil {
		return nil
	}
	fresh, err := e.Store.Get(ctx, rec.Ref)
	if err != nil || fresh.State != payment.Verifying || fresh.Version == rec.Version || fresh.Attempts.Count != rec.Attempts.Count ||
		fresh.Lease.Owner != rec.Lease.Owner || fresh.Lease.Epoch != rec.Lease.Epoch {
		return nil
	}
	return fresh
}

// decide commits a verdict. It returns no record where the commit failed.
func (e *Engine) decide(ctx context.Context, j job, rec *payment.Record, v payment.Verdict, a payment.Answer, t payment.Terms, gen payment.Generation) (*payment.Record, error) {
	next := rec.Clone()
	if err := e.apply(next, j, v, a, t); err != nil {
		return rec, err
	}
	if next.State == payment.Verified {
		next.Generation = gen.Seq
	}
	outcome := countVerified(next)
	take, err := e.keysToTake(ctx, next, j, v)
	judged, hearErr := j.hear(next)
	if hearErr != nil {
		return rec, hearErr
	}
	failpoint.Hit(failpoint.VerifiedIssued)
	if err == nil {
		err = e.commit(ctx, next, v.Trigger == payment.Silence && j.heard == nil, append(take, j.take...)...)
	}
	var taken *payment.TakenError
	switch {
	case errors.As(err, &taken) && slices.Contains(j.take, taken.Key):
		return nil, payment.ErrConflict // it was begun meanwhile
	case taken != nil:
		v = payment.Verdict{Trigger: payment.Doubt, Reason: payment.ReasonReceiptUsed}
		if taken.Key.Kind == payment.KeyOrder {
			v.Reason = payment.ReasonSecondPayment
		}
		next = rec.Clone()
		if err := e.apply(next, j, v, a, t); err != nil {
			return rec, err
		}
		outcome = countVerified(next)
		if judged, hearErr = j.hear(next); hearErr != nil {
			return rec, hearErr
		}
		err = e.commit(ctx, next, false, j.take...)
	}
	if err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.VerifiedDurable)
	e.counted(EventCounted, judged, outcome)
	e.announceVerdict(ctx, j, judged, v, a)
	return next, nil
}

// hear adds to a verdict what the shop has heard already. It returns the record as the
// verdict left it, for whoever reports that.
func (j job) hear(next *payment.Record) (judged *payment.Record, err error) {
	if j.heard == nil {
		return next, nil
	}
	judged = next.Clone()
	return judged, j.heard(next)
}

// apply takes the verdict's step on a copy.
func (e *Engine) apply(next *payment.Record, j job, v payment.Verdict, a payment.Answer, t payment.Terms) error {
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
		// Invariant: whoever learned that it is paid, its customer has this long from
		// then on. The worker may be first while the customer reads the bank's receipt, a
		// program (a preview of the link) before its browser.
		retry = now.Add(browserGrace)
	case payment.Refuse, payment.Lapse:
		retry = e.afterNo(next, j, v, t, now)
	case payment.Doubt:
		if v.Reason == payment.ReasonAfterSilence && !next.Attempts.Claimed && next.Return != nil {
			// Nobody has claimed it: its customer may still be at the bank. A person
			// looks when nothing more is to be asked.
			if retry = nextUnasked(next, inquires(j.prov), now); !retry.IsZero() {
				v.Trigger = payment.Silence
			}
		}
	}
	if err := next.EndAttempt(v, a, now, retry); err != nil {
		return err
	}
	switch next.State {
	case payment.Verified:
		keepWholeReturn(next, j)
		next.Code = ""
		e.sell(next, now)
	case payment.Review:
		e.keepForAlert(next)
	}
	switch {
	case j.relayed != nil:
		j.relayed(next)
	case next.Relay != nil:
		e.relayKeep(next, a, payment.RelayReply{})
	}
	return nil
}

// afterNo is when to look again at a refused payment.
func (e *Engine) afterNo(next *payment.Record, j job, v payment.Verdict, t payment.Terms, now time.Time) time.Time {
	if v.Trigger == payment.Lapse {
		return forgetAt(next)
	}
	if next.Expect.Source == payment.FromNone && (v.Reason == payment.ReasonUnknownID || v.Reason == payment.ReasonOrderPaid) {
		// A stranger's invention, or a payment that is not taken: not asked again by
		// us, forgotten in a day, and its return at once.
		next.Return = nil
		return now.Add(strangerKept)
	}
	at := afterRefusal(next, t, now)
	if at.IsZero() && next.Expect.Source == payment.FromIntent && !next.Attempts.Claimed {
		at = nextUnasked(next, inquires(j.prov), now)
	}
	if at.IsZero() {
		at = forgetAt(next)
	}
	if at.IsZero() && next.Expect.Source == payment.FromNone {
		at = later(now, next.CreatedAt.Add(strangerKept))
	}
	return at
}

// keysToTake returns the keys that a verified payment takes, after a look at former keys of
// the same money.
func (e *Engine) keysToTake(ctx context.Context, next *payment.Record, j job, v payment.Verdict) ([]payment.Key, error) {
	if v.Trigger != payment.Confirm {
		return nil, nil
	}
	policy, placed := j.rules.Policy(next)
	if next.Relay != nil && !placed {
		policy.Many = true // the shop decides what an order may take
	}
	return e.keys(ctx, next, j.prov, policy, j.ask.Site)
}

// keys returns the keys that a payment takes under the present names. If another payment
// holds a former key of the same money, the error is a *payment.TakenError.
func (e *Engine) keys(ctx context.Context, rec *payment.Record, prov Provider, p Policy, site string) ([]payment.Key, error) {
	today := asToday(rec, prov.Terms(), p, site)
	if err := e.taken(ctx, today, e.former(ctx, today, prov, p)); err != nil {
		return nil, err
	}
	return today.Keys(p.Many), nil
}

// reread follows a commit whose outcome is not known. It returns the record as it is in the
// store.
func (e *Engine) reread(ctx context.Context, rec *payment.Record, cause error) (*payment.Record, error) {
	now, err := e.Store.Get(ctx, rec.Ref)
	if ready := e.Store.Ready(); err != nil || ready != nil && !errors.Is(ready, payment.ErrFull) {
		return nil, cause
	}
	return now, nil
}

// announceVerdict reports the outcome to the observer, and counts refusals.
func (e *Engine) announceVerdict(ctx context.Context, j job, r *payment.Record, v payment.Verdict, a payment.Answer) {
	switch r.State {
	case payment.Verified:
		e.observe(EventVerified, r, nil, false)
		if e.Shared.repeated(r, e.now()) {
			e.observe(EventRepeated, r, nil, true)
		}
		if !arrived(r) { // its reports are due now
			e.wakeWorker()
		}
	case payment.Review:
		e.alert(ctx, EventReview, r, a.Err)
	case payment.Unknown:
		e.observe(EventUnknown, r, a.Err, v.Reason == payment.ReasonOperator)
	case payment.Expired:
		e.observe(EventExpired, r, nil, r.Attempts.Claimed)
	case payment.Declined:
		e.observe(EventDeclined, r, nil, false)
		if j.stranger && !j.worker {
			e.Shared.limits.Refused(j.ask.Client, e.now())
		}
		if j.ask.Proof && v.Reason == payment.ReasonUnknownID && r.Attempts.Refused == 1 {
			e.Shared.limits.WrongID(j.ask.Site+"\n"+j.ask.Order, e.now())
		}
	}
}
