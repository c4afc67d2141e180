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

func (n *network) ports(p *process) map[string]payment.Reporter {
	if !n.w.plan.affiliate {
		return nil
	}
	return map[string]payment.Reporter{"net": &networkPort{n, p}}
}

// Report implements [payment.Reporter].
func (x *networkPort) Report(ctx context.Context, sale payment.Sale) payment.ReportAnswer {
	w, n := x.p.w, x.n
	a := payment.ReportAnswer{Outcome: payment.ReportRetry, Err: errWire}
	x.p.do(ctx, "report "+sale.Track.ID+" #"+itoa(sale.Try), atOnce, func(c *call) {
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
		w.reported(sale)
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
			n.counted[sale.EventID] = sale.Track.ID
			if !w.strikes(affiliateLost) {
				reply(payment.ReportAnswer{Outcome: payment.ReportAccepted, Code: "202"})
			}
		}
	})
	return a
}

// Interface guard.
var _ payment.Reporter = (*networkPort)(nil)
