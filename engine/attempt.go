package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

// attemptUnpaid calls attempt if no other payment has paid the order. It calls done at its
// end.
func (e *Engine) attemptUnpaid(ctx context.Context, j job, rec *payment.Record, t payment.Terms, done func()) (*payment.Record, error) {
	defer done()
	paid, err := e.orderPaid(ctx, rec, j, t)
	switch {
	case errors.Is(err, errUnplaced):
		return e.postpone(ctx, j, rec, siteWait)
	case err != nil:
		return rec, err
	case paid && rec.Expect.Source == payment.FromNone && !j.worker && inquires(j.prov):
		// A visitor without proof must not learn whether an order is paid: a
		// made-up id of a paid order is asked for, recorded and answered like one of
		// an unpaid order. Only the question is another, which settles nothing.
		j.settlesNot = true
	case paid:
		e.dropped(ctx, j, rec, errOrderTaken)
		return rec, errOrderTaken
	}
	return e.attempt(ctx, j, rec, t)
}

// attempt claims the record durably, asks the provider and commits what the answer means.
func (e *Engine) attempt(ctx context.Context, j job, rec *payment.Record, t payment.Terms) (*payment.Record, error) {
	e.Shared.limits.Leave(string(rec.Ref))
	stranger := j.stranger || j.worker && rec.Expect.Source == payment.FromNone && rec.Attempts.Count == 0
	laneCtx, cancel := context.WithTimeout(ctx, j.prov.Timeout)
	leave, err := e.Shared.hosts.Enter(laneCtx, hostOf(t), stranger)
	cancel()
	if err != nil {
		return e.postpone(ctx, j, rec, limit.BreakerWait)
	}
	defer leave()
	breaker := e.Shared.hosts.Breaker(hostOf(t))
	probe, ok := breaker.Allow(e.now())
	if !ok {
		return e.postpone(ctx, j, rec, limit.BreakerWait)
	}
	asked := false
	defer func() {
		if !asked {
			breaker.Cancel(probe)
		}
	}()
	now := e.now()
	e.remember(rec, j, now)
	e.forgetBack(rec)
	if err := rec.StartAttempt(now, e.lease(e.leaseFor(j.prov))); err != nil {
		return rec, err
	}
	if j.worker && rec.Return != nil && rec.Return.Arrived.IsZero() {
		rec.Attempts.Unasked++
	}
	failpoint.Hit(failpoint.ClaimIssued)
	if err := e.commit(ctx, rec, false); err != nil {
		// Not one byte has gone out: whatever the store did, a later look at the
		// record tells.
		return nil, err
	}
	failpoint.Hit(failpoint.ClaimDurable)
	question, operation := j.prov.Verify, OperationVerify
	inquirer, canInquire := j.prov.Provider.(payment.Inquirer)
	if j.inquires = canInquire && (j.settlesNot || proofless(t, rec)); j.inquires {
		question, operation = inquirer.Inquire, OperationInquire
	}
	answer := e.callFor(ctx, j.prov, rec, operation, question)
	asked = !answer.Unmade
	failpoint.Hit(failpoint.AnswerRead)
	if asked && breaker.Done(probe, answer.Outcome != payment.OutcomeUnknown, e.now()) {
		e.observe(EventBreaker, rec, answer.Err, true)
	}
	if j.inquires && !j.settlesNot {
		answer.Unsent = true // no verify was sent, so its silence explains no "already verified"
	}
	return e.finish(ctx, j, rec, answer, t)
}

// remember keeps the return with the record, for a delivery without its browser.
func (e *Engine) remember(rec *payment.Record, j job, now time.Time) {
	if j.worker {
		return
	}
	e.claimed(rec.Ref)
	keepProof(rec, j.ask.Claimed.Proof)
	if j.ask.Claimed.Hint != payment.HintUnpaid {
		rec.Attempts.Claimed = true
	}
	ret := returnToKeep(j.ask)
	if ret.Arrived.IsZero() {
		ret.Arrived = now
	}
	if ret.URI == "" && rec.Return != nil && rec.Return.URI != "" {
		rec.Return.Arrived = ret.Arrived // the address that is known is better than nothing
		return
	}
	wrong := j.ask.Bound != nil && !j.ask.Bound(rec.Order)
	if arrived(rec) && (wrong || ret.Machine && !rec.Return.Machine) {
		// Keep the one that was bound, and that of the browser.
		rec.Return.Arrived = ret.Arrived
		return
	}
	if rec.Route == "" {
		rec.Route, rec.Provider = e.routeOf(rec, j.ask)
	}
	ret.Known = rec.Return.Address()
	rec.Return = &ret
}

// routeOf returns the route and provider of a payment whose announcement named no return
// address, by its return. Of two providers with one pay page the return tells which it is. A
// route that another account has now doesn't make the payment that account's.
func (e *Engine) routeOf(rec *payment.Record, a Ask) (route, provider string) {
	if p, err := e.provider(a.Provider); err == nil && !p.Terms().AnswersFor(rec.Issuer) && !e.renamed(rec) {
		return strings.TrimSuffix(a.Route, " "+a.Provider) + " " + rec.Provider, rec.Provider
	}
	return a.Route, a.Provider
}

// LeanMost is how many bytes of a return are kept before the provider has said that it is
// paid, because strangers can send 64 KiB of anything.
const LeanMost = 4 << 10

// returnToKeep returns what is kept of a return: the whole if it is small, else what the
// handler says is needed. If even that is too large, only the fact that it came is kept.
// Then it can't be delivered without its browser, and a person decides.
func returnToKeep(a Ask) payment.Return {
	switch {
	case a.Return.Size() <= LeanMost:
		return a.Return
	case a.Lean != nil && a.Lean.Size() <= LeanMost:
		return *a.Lean
	}
	return payment.Return{Method: a.Return.Method, Secure: a.Return.Secure, Machine: a.Return.Machine, Arrived: a.Return.Arrived}
}

// keepWholeReturn keeps the whole return of this request, once the payment is paid.
func keepWholeReturn(rec *payment.Record, j job) {
	if j.worker || rec.Return == nil || j.ask.Return.Size() <= LeanMost || j.ask.Bound != nil && !j.ask.Bound(rec.Order) || rec.Return.Machine != j.ask.Return.Machine {
		return
	}
	ret := j.ask.Return
	ret.Arrived = rec.Return.Arrived
	rec.Return = &ret
}

// errRoom: too many strangers' returns wait.
var errRoom = errors.New("too many returns are waiting")

// postpone records an admitted return without asking the provider, because the breaker is
// open, the lane is full, or the site is not in the running configuration. The worker asks
// later.
func (e *Engine) postpone(ctx context.Context, j job, rec *payment.Record, wait time.Duration) (*payment.Record, error) {
	now := e.now()
	if j.stranger {
		// What strangers invent while nobody can be asked is no more than fits into
		// the room where they wait.
		turn, ok := e.Shared.limits.Queue(string(rec.Ref), j.ask.Client, now)
		if !ok {
			return nil, errRoom
		}
		wait += turn
	}
	e.remember(rec, j, now)
	if no := rec.State == payment.Declined || rec.State == payment.Expired; !no || !j.worker {
		rec.Reason = payment.ReasonWaiting
	}
	rec.UpdatedAt = now
	rec.Due = now.Add(spread(wait, 0.3, e.Rand()))
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	return rec, nil
}

func (e *Engine) leaseFor(p Provider) time.Duration {
	return max(minLease, 2*p.Timeout+leaseMargin)
}

// call is callFor for a verify.
func (e *Engine) call(ctx context.Context, p Provider, rec *payment.Record, f func(context.Context, payment.Query) payment.Answer) payment.Answer {
	return e.callFor(ctx, p, rec, OperationVerify, f)
}

// callFor asks the provider within its time-out. If the provider's module panics, the
// answer is unknown, and the process goes on.
func (e *Engine) callFor(ctx context.Context, p Provider, rec *payment.Record, operation string, f func(context.Context, payment.Query) payment.Answer) (a payment.Answer) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	ctx, end := e.span(ctx, SpanCall, rec.Ref)
	start := e.now()
	defer func() {
		if v := recover(); v != nil {
			a = payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBadAnswer, Err: fmt.Errorf("provider panicked: %T", v)}
		}
		if c, ok := e.Clock.(storeClock); ok && a.HasOffset {
			a.Offset -= c.ahead() // it was measured with the machine's
		}
		end(rec, operation+" "+callOutcome(a.Outcome), a.Err)
		if a.Unmade {
			return // nobody was asked
		}
		e.Observer.Observe(Event{Name: EventAsked, Record: rec, Operation: operation, Outcome: callOutcome(a.Outcome), Err: a.Err, Took: e.now().Sub(start)})
	}()
	return f(failpoint.Sent(ctx, failpoint.VerifySent), rec.Query())
}
