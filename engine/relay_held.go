package engine

import (
	"context"
	"errors"

	"github.com/rahgir/caddy-payments/payment"
)

// relayHeld passes on an ask about a payment that our ledger holds for a person, because our
// doubts never block the shop. The marker is on record before, and "first" is told like
// any other. It reports whether the ask was answered.
func (e *Engine) relayHeld(ctx context.Context, prov Provider, r payment.Relayer, c Relay, rec *payment.Record) (done bool) {
	next := rec.Clone()
	if next.Relay == nil {
		next.Relay = new(payment.Relayed)
	}
	next.Relay.Asked++
	next.Attempts.Count++
	next.Attempts.Last = e.now()
	if err := e.commit(ctx, next, false); err != nil {
		if errors.Is(err, payment.ErrConflict) {
			return false
		}
		e.relayEvent(EventRelayDown, c, err, true)
		c.Break()
		return true
	}
	reply := e.relayRaw(ctx, prov, r, c)
	reply.Unit = c.Ask.Unit
	a := r.ReadVerified(reply)
	if refusesAmount(a) && !next.AsksPlainly(c.Ask) {
		e.relayEvent(EventRelayAmount, c, errRefusedAmount, true)
	}
	if a.Outcome != payment.OutcomePaid || a.Receipt == nil || next.State != payment.Review {
		e.relayGive(c, reply)
		return true
	}
	lifts := true
	for range claimTries {
		rc, refused := *a.Receipt, next.Receipt == nil
		next.Receipt = &rc
		var take []payment.Key
		if refused && lifts {
			take = e.undoubt(ctx, prov, c, next, a)
		}
		e.relayKeep(next, a, reply)
		err := e.commit(ctx, next, false, take...)
		switch {
		case err == nil && next.Tellable():
			return false // it can be told now
		case err == nil:
			e.sayAgain(ctx, r, c, next)
			return true
		}
		fresh, getErr := e.Store.Get(ctx, next.Ref)
		taken := (*payment.TakenError)(nil)
		if errors.As(err, &taken) {
			lifts = false // another payment has the order: a person looks at this one
		}
		if getErr != nil || lifts && !errors.Is(err, payment.ErrConflict) {
			break
		}
		next = fresh
	}
	c.Break()
	return true
}

// undoubt takes a payment out of review that is there only because the provider refused an ask
// for its amount, if nothing else speaks against it. It returns the keys that the payment takes.
func (e *Engine) undoubt(ctx context.Context, prov Provider, c Relay, next *payment.Record, a payment.Answer) []payment.Key {
	j := e.relayJob(prov, c)
	gen, err := e.generation(ctx)
	if err != nil || next.Reason != payment.ReasonAmount {
		return nil
	}
	facts := payment.Facts{Terms: prov.Terms(), Generation: gen, UsedIDsKnown: e.usedIDsKnown(ctx, prov), Now: e.now()}
	v := payment.Decide(next, a, facts)
	take, err := e.keysToTake(ctx, next, j, v)
	if v.Trigger != payment.Confirm || err != nil {
		return nil
	}
	if err := next.Undoubt(e.now(), e.now().Add(browserGrace)); err != nil {
		return nil
	}
	next.Generation = gen.Seq
	e.sell(next, e.now())
	return take
}
