package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// handOver delivers a verified payment for which no browser came.
func (e *Engine) handOver(ctx context.Context, rec *payment.Record) error {
	p, ok := e.Sites.Policy(rec)
	if !ok {
		return e.unplaced(ctx, rec)
	}
	// One that a person gave though nothing announced it has no return to hand over
	// with: the shop must be told by that person.
	if rec.Return == nil || rec.Return.URI == "" || p.Park && !rec.Expect.Checkout && !rec.HasDecided(payment.DecideAccept) {
		if err := rec.ParkDelivery(payment.ReasonAbsent, e.now()); err != nil {
			return err
		}
		return e.park(ctx, rec)
	}
	return e.deliver(ctx, rec, p)
}

// unplaced keeps a paid payment that no running site takes until one does, and alerts the owner.
func (e *Engine) unplaced(ctx context.Context, rec *payment.Record) error {
	if rec.Reason != payment.ReasonNoRoute {
		rec.Reason = payment.ReasonNoRoute
		e.observe(EventMissed, rec, nil, true)
	}
	return e.reschedule(ctx, rec, e.now().Add(time.Minute))
}

// lapsed resumes a delivery whose owner died, or that is due again.
func (e *Engine) lapsed(ctx context.Context, rec *payment.Record) error {
	if e.Store.Alive(rec.Lease) {
		return e.reschedule(ctx, rec, rec.Lease.Until)
	}
	p, ok := e.Sites.Policy(rec)
	if !ok {
		return e.unplaced(ctx, rec)
	}
	if p.Once {
		if err := rec.ParkDelivery(payment.ReasonOwnerDied, e.now()); err != nil {
			return err
		}
		return e.park(ctx, rec)
	}
	return e.deliver(ctx, rec, p)
}

// deliver delivers a payment with the return that was kept. If a person accepted it though
// its return names another order, it is parked and that person must tell the shop: a shop
// that finds its order by that parameter would credit the wrong one.
func (e *Engine) deliver(ctx context.Context, rec *payment.Record, p Policy) error {
	if play := e.playMoney(rec); play || rec.Expect.Unbound {
		why := payment.ReasonBinding
		if play {
			why = payment.ReasonSandbox
		}
		if err := rec.ParkDelivery(why, e.now()); err != nil {
			return err
		}
		return e.park(ctx, rec)
	}
	_, err := e.Deliver(ctx, rec, Delivery{Via: payment.ViaWorker, Policy: p}, e.Sites.Deliver)
	if errors.Is(err, ErrNotNow) {
		return nil
	}
	return err
}
