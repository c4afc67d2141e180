package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// shop is what stands behind the site. The naive one credits whenever it is
// told, the other once per (provider, id).
type shop struct {
	w       *world
	dedupes bool
	// known are the ids that the shop started for an order, and their price.
	known map[string][]string
	price map[string]payment.Rials
	// byOrder and byID are what it has credited.
	byOrder map[string][]string
	byID    map[string]int
	// busy counts the requests that it still works on, by order.
	busy map[string]int
}

// sites are the sites of the running configuration, as a process sees them.
type sites struct{ p *process }

// Policy implements [engine.Sites].
func (s *sites) Policy(*payment.Record) (engine.Policy, bool) {
	defer s.p.w.seen()
	if s.p.w.routeless {
		return engine.Policy{}, false
	}
	return s.p.w.plan.policy, true
}

// Deliver implements [engine.Sites].
func (s *sites) Deliver(ctx context.Context, r *payment.Record) engine.Handed {
	defer s.p.w.seen()
	if s.p.w.routeless {
		return engine.Handed{Unsent: true}
	}
	return s.p.w.shop.hand(ctx, s.p, r)
}

// Expect implements [engine.Sites].
func (s *sites) Expect(ctx context.Context, r *payment.Record) (payment.Expectation, error) {
	return s.p.w.expect(ctx, s.p, r.ID, r.Order)
}

// hand sends a verified return to the shop. What was sent arrives, whatever
// becomes of the sender.
func (s *shop) hand(ctx context.Context, p *process, r *payment.Record) (h engine.Handed) {
	w := s.w
	if w.plugin != nil {
		return w.plugin.handed(ctx, p, r)
	}
	p.do(ctx, "deliver "+w.label(r.Ref)+" #"+itoa(r.Delivery.Count), atOnce, func(c *call) {
		c.held = true
		reply := func(d time.Duration, with engine.Handed) {
			w.answer(d, c, with, func() {
				if !c.over {
					h = with
					w.note("%s: the shop's answer to %s arrives: %d", p.name, c.what, with.Status)
				}
				w.wake(c)
			})
		}
		if deadline, ok := ctx.Deadline(); ok {
			w.at(deadline, func() { w.wake(c) })
		}
		if w.strikes(shopUnsent) {
			reply(w.lot.between(0, 3*time.Second), engine.Handed{Unsent: true})
			return
		}
		w.told(p, r)
		w.in(w.lot.takes(wire), func() { s.arrive(r, reply) })
	})
	return h
}

func (s *shop) arrive(r *payment.Record, reply func(time.Duration, engine.Handed)) {
	w := s.w
	back := w.lot.takes(wire)
	switch {
	case w.strikes(shop5xx):
		reply(back, engine.Handed{Status: 500})
	case w.plan.ackHeader && w.strikes(shopNoProof):
		reply(back, engine.Handed{Status: 302, Location: "/checkout"})
	case w.strikes(shopCut):
		s.credit(r)
		if w.lot.chance(0.5) {
			reply(back, engine.Handed{Status: 502})
		} else {
			reply(back, engine.Handed{})
		}
	case w.strikes(shopHangs):
		s.busy[r.Order]++
		w.in(w.lot.between(time.Second, engine.DeliveryTime+time.Minute), func() {
			s.busy[r.Order]--
			s.credit(r)
		})
	default:
		s.credit(r)
		reply(back, engine.Handed{Acked: true, Status: 200})
	}
}

// credit is the shop giving the goods.
func (s *shop) credit(r *payment.Record) {
	if s.dedupes && s.byID[r.ID] > 0 {
		return
	}
	s.byID[r.ID]++
	s.byOrder[r.Order] = append(s.byOrder[r.Order], r.ID)
	s.w.note("  …the shop credits %s for order %s, %d rials", r.ID, r.Order, r.Price())
	s.w.credited(r)
}

// lookup is `expect lookup`: the shop says what an order costs and whether it
// is paid.
func (s *shop) lookup(id, order string) (payment.Expectation, error) {
	ids := s.known[order]
	if ids == nil {
		return payment.Expectation{}, engine.ErrUnknownOrder
	}
	if paid := s.byOrder[order]; len(paid) > 0 {
		if paid[0] == id {
			return payment.Expectation{}, engine.ErrPaidHere
		}
		return payment.Expectation{}, engine.ErrOrderPaid
	}
	if s.busy[order] > 0 {
		return payment.Expectation{}, engine.ErrUnanswered // who asks waits for the one that credits
	}
	if slices.Contains(ids, id) {
		return payment.Expectation{Amount: s.price[order], Source: payment.FromLookup, Unconsumed: true}, nil
	}
	return payment.Expectation{}, engine.ErrForeign
}

// expect is how the site finds out what a return should have paid.
func (w *world) expect(ctx context.Context, p *process, id, order string) (x payment.Expectation, err error) {
	defer w.seen()
	switch w.plan.mode {
	case modeNone:
		return payment.Expectation{Source: payment.FromNone}, nil
	case modeSigned:
		return payment.Expectation{Amount: w.shop.price[order], Source: payment.FromSigned}, nil
	case modeLookup:
		alive := p.do(ctx, "look up "+order+" "+id, wire, func(*call) {
			if w.strikes(lookupSilent) {
				err = engine.ErrUnanswered
				return
			}
			x, err = w.shop.lookup(id, order)
			w.walk.learns(err)
		})
		if !alive {
			return x, engine.ErrUnanswered
		}
		return x, err
	}
	return x, engine.ErrUnanswered
}

// Interface guard.
var _ engine.Sites = (*sites)(nil)
