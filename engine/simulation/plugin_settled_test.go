package simulation

import (
	"context"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Shops behind a relay whose customers' returns a `verify` route takes: we settle and hand over.
// Their plugin asks in the hand-over, or a job of theirs before it, beside it or after it; or they
// read our headers and ask nothing. Whatever they do, what was paid is credited once.

// settling is what such worlds have besides.
type settling struct {
	// reads: the page believes our headers, and asks nothing.
	reads bool
	// ifHeard: `ack relay`, the page's answer counts if its call has heard "first".
	ifHeard bool
}

// newSettledWorld draws a world of a plugin behind a relay and a `verify` route.
func newSettledWorld(seed uint64, lim limits, h *hits) *world {
	w := newPluginWorld(seed, lim, h)
	l := newLot(seed, 8)
	s := w.plugin
	s.trusts, s.rescue = false, false
	s.settling = &settling{reads: l.chance(0.3)}
	// An answer that looks like success in either case proves nothing without it.
	s.settling.ifHeard = !s.settling.reads && (!s.marks || l.chance(0.7))
	if s.settling.reads {
		s.cron, s.reverses = false, false // it credits in one way only, as docs/observe.md asks
	}
	w.plan.policy.Park = l.chance(0.3)
	return w
}

// visits is a customer's return, which the verify route takes.
func (s *plugin) visits(who string, back comeback, id string) {
	for _, c := range s.w.plan.shoppers {
		if len(c.ids) > 0 && c.ids[0] == id {
			s.w.visit(c, who, back, id, payment.HintPaid)
			return
		}
	}
}

// handed is the page of the shop at a verified return. It goes on whatever becomes of who sent it.
func (s *plugin) handed(ctx context.Context, p *process, r *payment.Record) (h engine.Handed) {
	w := s.w
	what := "deliver " + w.label(r.Ref) + " #" + itoa(r.Delivery.Count)
	p.do(ctx, what, atOnce, func(c *call) {
		c.held = true
		if deadline, ok := ctx.Deadline(); ok {
			w.at(deadline, func() { w.wake(c) })
		}
		if w.strikes(shopUnsent) {
			w.in(w.lot.between(0, 3*time.Second), func() {
				if !c.over {
					h = engine.Handed{Unsent: true}
				}
				w.wake(c)
			})
			return
		}
		w.told(p, r)
		q, customer := said{r.ID, r.Order, r.Price()}, r.Delivery.Via == payment.ViaBrowser
		go func() {
			defer w.seen()
			who := c.who + " " + what
			answer := s.answers(who, s.at(p), q, customer)
			w.hands(who, "is answered", 0, func() {
				if !c.over {
					h = answer
				}
				w.wake(c)
			})
		}()
	})
	return h
}

// outlived: the page that asks has taken longer than its hand-over, so that its ask is one
// without a page.
func (s *plugin) outlived(id string) bool {
	for _, r := range s.w.ledger.records {
		if r.ID == id && !isTrace(r) {
			return r.Delivery.Via == payment.ViaRelay
		}
	}
	return false
}

// at is the number of a process's node.
func (s *plugin) at(p *process) int {
	for i, node := range s.w.nodes {
		if node == p.node {
			return i
		}
	}
	return 0
}

// answers is what the shop's page makes of a hand-over.
func (s *plugin) answers(who string, n int, q said, customer bool) engine.Handed {
	page := payment.PageGood
	if s.settling.reads {
		s.w.hands(who, "runs the page", 0, func() {
			if s.w.strikes(pluginDies) {
				page = payment.PageBad
				return
			}
			s.credit(q.ID)
			if s.w.strikes(pluginDiesCredited) {
				page = payment.PageBad
			}
		})
	} else {
		page = s.page(who, n, q, customer)
	}
	switch page {
	case payment.PageGood:
		return engine.Handed{Acked: true, IfHeard: s.settling.ifHeard, Status: 302}
	case payment.PageRefused:
		return engine.Handed{Refused: true, Status: 302}
	}
	return engine.Handed{Status: 500}
}

// TestPluginsSettled lives worlds of shops that ask behind a relay and have a `verify` route: what
// was paid is credited once, by whichever way, and nothing is lost.
func TestPluginsSettled(t *testing.T) { livePlugins(t, "TestPluginsSettled", newSettledWorld, 2000) }
