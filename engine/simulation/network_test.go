package simulation

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// network is the affiliate network: it counts what it is told, by the event's
// id, as a receiver that dedupes would.
type network struct {
	w *world
	// tries are the numbers of the tries that arrived, by event.
	tries   map[string]map[int]bool
	counted map[string]string // event to track
	badKey  bool
}

type networkPort struct {
	n *network
	p *process
}

func (n *network) ports(p *process) map[string]payment.Affiliate {
	if !n.w.plan.affiliate {
		return nil
	}
	return map[string]payment.Affiliate{"net": &networkPort{n, p}}
}

// Param implements [payment.Affiliate].
func (*networkPort) Param() string { return "track_id" }

// Report implements [payment.Affiliate].
func (x *networkPort) Report(ctx context.Context, conv *payment.Conversion) payment.ReportAnswer {
	w, n := x.p.w, x.n
	a := payment.ReportAnswer{Outcome: payment.ReportRetry, Err: errWire}
	c0 := *conv
	x.p.do(ctx, "report "+c0.Track.ID+" #"+itoa(c0.Tries), atOnce, func(c *call) {
		c.held = true
		deadline, ok := ctx.Deadline()
		if !ok {
			deadline = w.now.Add(30 * time.Second)
		}
		w.at(deadline, func() { w.wake(c) })
		reply := func(answer payment.ReportAnswer) {
			w.answer(w.lot.takes(wire), c, answer, func() {
				if !c.over {
					a = answer
					w.note("%s: the network's answer to %s arrives", x.p.name, c.what)
				}
				w.wake(c)
			})
		}
		if w.strikes(affiliateUnsent) {
			reply(payment.ReportAnswer{Outcome: payment.ReportRetry, Unsent: true, Err: errWire})
			return
		}
		w.reported(&c0)
		if w.strikes(affiliate401) {
			n.badKey = true
		}
		switch {
		case n.badKey:
			reply(payment.ReportAnswer{Outcome: payment.ReportUnauthorized, Code: "401"})
		case w.strikes(affiliate500):
			reply(payment.ReportAnswer{Outcome: payment.ReportRetry, Code: "500"})
		case w.strikes(affiliate422):
			reply(payment.ReportAnswer{Outcome: payment.ReportRejected, Code: "422"})
		default:
			n.counted[c0.EventID] = c0.Track.ID
			if !w.strikes(affiliateLost) {
				reply(payment.ReportAnswer{Outcome: payment.ReportAccepted, Code: "202"})
			}
		}
	})
	return a
}

// Interface guard.
var _ payment.Affiliate = (*networkPort)(nil)
