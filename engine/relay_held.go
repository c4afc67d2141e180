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
	if a.Outcome != payment.OutcomePaid || a.Receipt == nil || next.State != payment.Review {
		e.relayGive(c, reply)
		return true
	}
	for range claimTries {
		rc := *a.Receipt
		next.Receipt = &rc
		e.relayKeep(next, a, reply)
		err := e.commit(ctx, next, false)
		switch {
		case err == nil && next.Tellable():
			return false // it can be told now
		case err == nil:
			e.sayAgain(ctx, r, c, next)
			return true
		}
		fresh, getErr := e.Store.Get(ctx, next.Ref)
		if getErr != nil || !errors.Is(err, payment.ErrConflict) {
			break
		}
		next = fresh
	}
	c.Break()
	return true
}
