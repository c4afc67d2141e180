package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// handOver delivers a verified payment that no browser came for.
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

// unplaced: no running site takes the payment. It stays verified, loudly.
func (e *Engine) unplaced(ctx context.Context, rec *payment.Record) error {
	if rec.Reason != payment.ReasonNoRoute {
		rec.Reason = payment.ReasonNoRoute
		e.observe(EventMissed, rec, nil, true)
	}
	return e.reschedule(ctx, rec, e.now().Add(time.Minute))
}

// lapsed takes up a delivery whose owner died, or that is due again.
func (e *Engine) lapsed(ctx context.Context, rec *payment.Record) error {
	if e.Store.Alive(rec.Lease) {
		return e.reschedule(ctx, rec, rec.Lease.Until)
	}
	p, ok := e.Sites.Policy(rec)
	if !ok {
		return e.reschedule(ctx, rec, e.now().Add(time.Minute))
	}
	if p.Once {
		if err := rec.ParkDelivery(payment.ReasonOwnerDied, e.now()); err != nil {
			return err
		}
		return e.park(ctx, rec)
	}
	return e.deliver(ctx, rec, p)
}

// deliver hands a payment over with the return that is kept of it. One that a
// person gave though its return named another order is the person's to tell the
// shop of: a shop that finds the order by that parameter would credit the other.
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
