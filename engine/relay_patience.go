package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// A shop waits for its gateway as long as it likes, so a relayed call isn't cut at the time-out
// of our own questions. While the shop's verify is still unanswered then, we ask beside it:
// whichever answer comes first is given, and an answer that is lost costs no more than it did.
// Only a "no" to ours isn't given while the shop's may be answered: that one may have settled it.
//
// Invariants: a question of our own has a marker like any other, and at most one runs beside the
// shop's. We explain an "already verified" by our own question only if that question got no
// answer. The shop's call ends before its claim does: while no question of ours can renew the
// claim, nobody else may ask beside it. A call that goes on has a place of its own: a gateway
// that hangs takes none from calls that are answered.

func (p Provider) patience() time.Duration { return max(p.Timeout, p.Patience) }

// patiently returns the context of a shop's call that holds a place in a lane. The call ends
// when the provider's time-out is over and its caller has left or no place for longer calls
// is free, and at the end of its patience. over gives the place back.
func (e *Engine) patiently(caller context.Context, prov Provider, leave func()) (ctx context.Context, over func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(caller), prov.patience())
	if prov.patience() <= prov.Timeout {
		return ctx, func() { cancel(); leave() }
	}
	var mu sync.Mutex
	ended := false
	stop := func() bool { return true }
	timer := e.Clock.After(prov.Timeout)
	done := make(chan struct{})
	go func() {
		select {
		case <-done:
			return
		case <-timer:
		}
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return
		}
		longer, ok := e.Shared.hosts.EnterPatient(hostOf(prov.Terms()))
		if !ok {
			cancel()
			return
		}
		leave()
		leave = longer
		stop = context.AfterFunc(caller, cancel)
	}()
	return ctx, func() {
		close(done)
		mu.Lock()
		defer mu.Unlock()
		ended = true
		stop()
		cancel()
		leave()
	}
}

// question is a shop's verify that is on its way.
type question struct {
	j job
	r payment.Relayer
	c Relay
	// ends is until when its caller is kept waiting.
	ends time.Time
}

// said is what a provider answered to a shop's verify.
type said struct {
	answer payment.Answer
	reply  payment.RelayReply
}

// clear: the answer says how the payment stands.
func (s said) clear() bool {
	return s.reply.Err == nil && s.answer.Outcome != payment.OutcomeUnknown && s.answer.Outcome != payment.OutcomeBusy
}

// unanswered counts a call that was sent and has no answer.
func (s said) unanswered() int {
	if s.clear() || s.answer.Unsent {
		return 0
	}
	return 1
}

// relayCall sends the shop's verify once.
func (e *Engine) relayCall(ctx context.Context, q question, rec *payment.Record, most time.Duration) (s said) {
	prov := q.j.prov
	prov.Timeout = most
	s.answer = e.call(ctx, prov, rec, func(ctx context.Context, _ payment.Query) payment.Answer {
		s.reply = q.r.ForwardCall(ctx, q.c.Call)
		s.reply.Unit = q.c.Ask.Unit
		return q.r.ReadVerified(s.reply)
	})
	return s
}

// underWay is a call that runs beside others.
type underWay struct {
	answered chan said
	cut      context.CancelFunc
}

func (e *Engine) relaySend(ctx context.Context, q question, rec *payment.Record, most time.Duration) underWay {
	ctx, cut := context.WithCancel(ctx)
	call := underWay{make(chan said, 1), cut}
	rec = rec.Clone() // it changes while the call runs
	go func() {
		defer cut()
		call.answered <- e.relayCall(ctx, q, rec, most)
	}()
	return call
}

// end cuts a call, and returns what it was answered all the same.
func (u underWay) end() said {
	u.cut()
	return <-u.answered
}

// within is a call's answer, if it comes soon enough.
func (e *Engine) within(call underWay, d time.Duration) (said, bool) {
	select {
	case s := <-call.answered:
		return s, true
	case <-e.Clock.After(d):
		return said{}, false
	}
}

// relayAnswer asks the provider with the shop's verify. The claim is durable, and leave gives
// back the place that the call has. It returns the record as it was claimed last.
func (e *Engine) relayAnswer(ctx context.Context, q question, rec *payment.Record, leave func()) (*payment.Record, said) {
	prov := q.j.prov
	defer func() { leave() }()
	patience := min(prov.patience(), max(q.ends.Sub(e.now()), prov.Timeout))
	if patience <= prov.Timeout {
		return rec, e.relayCall(ctx, q, rec, prov.Timeout)
	}
	until := e.now().Add(patience)
	// ends is when the shop's call ends: within the newest claim that is known to be durable.
	ends := func() time.Time {
		if claimed := rec.Lease.Until.Add(-leaseMargin); claimed.Before(until) {
			return claimed
		}
		return until
	}
	first := e.relaySend(ctx, q, rec, patience)
	if s, ok := e.within(first, prov.Timeout); ok {
		return rec, s
	}
	longer, ok := e.Shared.hosts.EnterPatient(hostOf(prov.Terms()))
	if !ok {
		return rec, first.end()
	}
	leave()
	leave = longer
	earlier, lost := rec.Attempts.Unknown, 0 // lost are questions of our own that have no answer
	give := func(s said, other ...said) (*payment.Record, said) {
		rec.Attempts.Unknown = earlier + lost
		for _, o := range other {
			rec.Attempts.Unknown += o.unanswered()
		}
		return rec, s
	}
	for pause := time.Second; e.now().Add(pause).Before(ends()); pause = min(2*pause, 8*time.Second) {
		if s, ok := e.within(first, pause); ok {
			return give(s)
		}
		claimed, done, err := e.relayBeside(ctx, q, rec)
		if claimed != nil {
			rec = claimed
		}
		if err != nil {
			continue
		}
		own := e.relaySend(ctx, q, rec, min(prov.Timeout, until.Sub(e.now())))
		select {
		case s := <-first.answered:
			var o said
			if s.answer.Outcome == payment.OutcomePaid {
				o = own.end()
			} else {
				o = <-own.answered // either may have settled the payment
			}
			done()
			if better(o, s) {
				return give(o, s)
			}
			return give(s, o)
		case o := <-own.answered:
			done()
			if !o.clear() {
				lost += o.unanswered()
				continue
			}
			if o.answer.Outcome != payment.OutcomePaid && o.answer.Outcome != payment.OutcomeAgain {
				s := e.atLast(first, ends())
				if s.clear() {
					return give(s, o)
				}
				return give(o, s)
			}
			s := first.end()
			if better(s, o) {
				return give(s, o)
			}
			return give(o, s)
		}
	}
	return give(e.atLast(first, ends()))
}

// atLast is a call's answer, for which nobody waits longer than until ends.
func (e *Engine) atLast(call underWay, ends time.Time) said {
	if s, ok := e.within(call, ends.Sub(e.now())); ok {
		return s
	}
	return call.end()
}

// better: one of two answers is "paid", or the only one.
func better(a, b said) bool {
	return b.answer.Outcome != payment.OutcomePaid && (a.answer.Outcome == payment.OutcomePaid || a.clear() && !b.clear())
}

// relayBeside claims the payment once more, for a question of our own beside the shop's. done
// gives back the question's place. With an error nothing may be asked; the record is as it
// was claimed last, if it was.
func (e *Engine) relayBeside(ctx context.Context, q question, rec *payment.Record) (claimed *payment.Record, done func(), err error) {
	laneCtx, cancel := context.WithTimeout(ctx, relayPoll)
	leave, err := e.Shared.hosts.Enter(laneCtx, hostOf(q.j.prov.Terms()), false)
	cancel()
	if err != nil {
		return nil, nil, err
	}
	for range claimTries {
		next := rec.Clone()
		if err = next.StartAttempt(e.now(), e.lease(e.leaseFor(q.j.prov))); err != nil {
			break
		}
		if err = e.commit(ctx, next, false); err == nil {
			return next, leave, nil
		}
		fresh := e.stillAsking(ctx, rec, err)
		if fresh == nil {
			claimed = e.perhapsClaimed(ctx, next)
			break
		}
		rec, claimed = fresh, fresh
	}
	leave()
	return claimed, nil, errors.Join(err, errNotAsked)
}

var errNotAsked = errors.New("no question beside the shop's was asked")

// perhapsClaimed is the record after a claim whose commit said nothing certain, nil where it
// isn't that claim's.
func (e *Engine) perhapsClaimed(ctx context.Context, next *payment.Record) *payment.Record {
	fresh, err := e.Store.Get(ctx, next.Ref)
	if err != nil || fresh.State != payment.Verifying || fresh.Attempts.Count != next.Attempts.Count || fresh.Lease.Owner != next.Lease.Owner || fresh.Lease.Epoch != next.Lease.Epoch {
		return nil
	}
	return fresh
}
