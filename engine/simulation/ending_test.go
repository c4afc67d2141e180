package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// mustBeInTime plans the check of
//
//	INV5  what came back and could be asked for is verified inside the window
//
// and, of rule 8, what never came back and can be handed over. enough is how
// long nothing must have been wrong, before the window's last 45 s.
func (w *world) mustBeInTime(d *deal, from time.Time, enough time.Duration) {
	win := w.bank.shape.traits.Window
	if win == 0 {
		return
	}
	last := d.paidAt.Add(win - 45*time.Second)
	w.at(last, func() {
		calm := later(w.trouble, from)
		if last.Sub(calm) < enough || !d.verifiedAt.IsZero() || w.watch.forgotten[d.id] || w.paidOtherwise(d) {
			return
		}
		if w.skewed {
			return // two clocks that disagree may take the window for closed
		}
		w.fail("INV5: %s was paid and could be asked for, nothing was wrong for %s, and it is not verified", d.id, last.Sub(calm))
	})
}

// paidOtherwise: the order was paid by another id, so this one goes back.
func (w *world) paidOtherwise(d *deal) bool {
	if w.plan.policy.Many && w.plan.mode != modeLookup {
		return false
	}
	for _, o := range w.bank.deals {
		if o != d && o.order == d.order && !o.verifiedAt.IsZero() && (o.desk.environment == d.desk.environment || w.plan.mode == modeLookup) {
			return true
		}
	}
	return false
}

// held: it waits for a person, and one was told.
func (w *world) held(r *payment.Record) bool {
	names := []string{engine.EventReview}
	switch {
	case r.State == payment.Parked && r.Reason == payment.ReasonGiveBack:
		// What became of the money is the question, and the alarm of whoever asks it says so.
		names = []string{engine.EventParked, engine.EventGivenBack, engine.EventRefundUnknown}
	case r.State == payment.Parked:
		names = []string{engine.EventParked}
	case r.State != payment.Review:
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(w.alerts[r.Ref], name) })
}

// liveness checks what remains when all is well again and nothing is left to do.
//
//	INV3  what was taken is credited, or waits for a person who was told
//	INV4  what was delivered is reported, or a person was told
func (w *world) liveness() {
	for _, r := range w.ledger.sorted() {
		switch r.State {
		case payment.Review, payment.Parked:
			if !w.held(r) && !w.watch.forgotten[r.ID] {
				w.fail("INV3: %s is in %s (%s) and nobody was told", r.ID, r.State, r.Reason)
			}
			if w.explained(r) {
				w.fail("rule 4: %s was verified by us, and is left to a person as unexplained", r.ID)
			}
		case payment.Verifying, payment.Unknown, payment.Verified, payment.Delivering:
			w.fail("INV3: %s is still %s (%s) when nothing is left to do", r.ID, r.State, r.Reason)
		}
		if r.State == payment.Delivered && r.ConversionState() == payment.OpenReport {
			w.fail("INV4: the conversion of %s is never reported", r.ID)
		}
		if !r.Earliest().IsZero() && !isTrace(r) {
			w.fail("INV3: %s is still due at %s in state %s", r.ID, r.Earliest(), r.State)
		}
	}
	for _, d := range w.allDeals() {
		if !w.settled(d) {
			w.fail("INV3: %s was paid and %s, and nobody has it", d.id, d.fate())
		}
	}
}

// explained: that a record's receipt was used before is our own doing, and the
// ledger can tell.
func (w *world) explained(r *payment.Record) bool {
	d := w.dealOf(r)
	if w.ledger.gen.Seq > 1 || r.Reason != payment.ReasonUnexplained || d == nil || !d.ours || r.Order != d.order || w.watch.forgotten[d.id] {
		return false
	}
	return r.Expect.Source == payment.FromIntent || r.Expect.Unconsumed
}

func (d *deal) fate() string {
	switch {
	case d.ours:
		return "taken"
	case d.givenBack:
		return "given back"
	}
	return "came back"
}

// settled: nobody is owed anything for a deal.
func (w *world) settled(d *deal) bool {
	if d.paidAt.IsZero() || d.givenBack || d.old || w.watch.forgotten[d.id] || w.shop.byID[d.id] > 0 || w.plugin != nil && w.plugin.lost[d.id] {
		return true
	}
	if !d.ours && w.plan.mode == modeLookup && w.paidOtherwise(d) {
		return true // "paid": true verifies nothing
	}
	_, came := w.watch.recorded[d.id]
	if !d.ours && (!came && !w.awaited(d) || w.bank.shape.traits.GivesBack) {
		// Nobody can know of it, or it was refused on purpose and goes back.
		return true
	}
	for _, r := range w.ledger.records {
		if r.ID != d.id || r.Issuer != d.desk.issuer {
			continue
		}
		if w.held(r) || r.State == payment.Reversed || r.Dismissed() {
			return true
		}
	}
	return false
}

// awaited: it is an intent that is looked after though nobody comes back.
func (w *world) awaited(d *deal) bool {
	if w.plan.mode != modeCheckout && (w.plan.mode != modeAnnounced || !w.plan.returnKnown) {
		return false
	}
	_, intended := w.ledger.keys[payment.IntentKey(d.desk.issuer, d.id)]
	return intended && !w.skewed // a clock that jumps ahead jumps over what was due
}

func (w *world) allDeals() []*deal {
	all := make([]*deal, 0, len(w.bank.deals))
	for _, d := range w.bank.deals {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *deal) int { return a.n - b.n })
	return all
}

// owner is the shop's person, who looks at everything that waits for one, knows
// what happened at bank and shop, and decides.
func (w *world) owner() {
	for _, r := range w.ledger.sorted() {
		var what payment.Decision
		d := w.dealOf(r)
		credited := d != nil && w.shop.byID[r.ID] > 0
		other := !credited && len(w.rivals(r.Order, r.Environment)) > 0 && !w.plan.policy.Many
		switch {
		case w.plugin != nil && r.State == payment.Parked && d != nil && d.givenBack:
			what = payment.DecideRepaid // the shop itself has sent it back
		case r.State == payment.Parked && credited:
			what = payment.DecideCredited
		case r.State == payment.Parked && r.Reason == payment.ReasonBinding && !other:
			w.shop.credit(r) // by hand: its return names another order
			what = payment.DecideCredited
		case r.State == payment.Parked && other:
			what = payment.DecideRepaid // the order is paid: this one is given back
		case r.State == payment.Parked:
			what = payment.DecideRedeliver
			if r.Return == nil || w.plugin != nil && len(r.Decisions()) > 0 {
				w.shop.credit(r) // by hand: nothing announced it, so nothing says how its customer came back
				what = payment.DecideCredited
			}
		case r.State == payment.Delivered && r.Order == "order3":
			what = payment.DecideRepaid
		case r.State != payment.Review:
			continue
		case d != nil && !d.old && !d.verifiedAt.IsZero() && d.order == r.Order && r.Receipt != nil && !r.Attempts.Open && d.amount == r.Price() && !credited && !other:
			what = payment.DecideAccept
		case credited || d == nil || d.verifiedAt.IsZero():
			what = payment.DecideReject
		case r.Reason == payment.ReasonUnannounced && r.Attempts.Open:
			what = payment.DecideRepaid // accepting it was tried, and the provider doesn't say yes again
		case r.Order == "order1":
			what = payment.DecideReject // and repaid afterwards
		default:
			what = payment.DecideRepaid
		}
		p := w.reach(0)
		if p == nil {
			return
		}
		w.note("the owner says %s of %s", what, r.ID)
		go func() {
			ctx := as(context.Background(), "owner of "+string(r.Ref))
			if r.OpenRefund() >= 0 {
				// What became of the shop's own reverse comes first.
				if seen, err := p.eng.SettleRefund(ctx, r.Ref, r.Version, d != nil && d.givenBack, "owner", "seen in the panel"); err == nil {
					r = seen
				}
			}
			after, err := p.eng.Decide(ctx, r.Ref, r.Version, what, payment.Note{By: "owner"})
			if err == nil && after.Owed() {
				_, _ = p.eng.Decide(ctx, r.Ref, after.Version, payment.DecideRepaid, payment.Note{By: "owner"})
			}
			var taken *payment.TakenError
			if errors.As(err, &taken) {
				// Another payment has the order: this one is given back.
				_, _ = p.eng.Decide(ctx, r.Ref, r.Version, payment.DecideRepaid, payment.Note{By: "owner"})
			}
		}()
	}
}

// refund is the owner giving money back, whatever else is going on.
func (w *world) refund() {
	p := w.somebody()
	if p == nil {
		return
	}
	for _, r := range w.ledger.sorted() {
		if r.State.Captured() && w.lot.chance(0.5) {
			w.note("the owner gives %s back", r.ID)
			go func() {
				ctx := as(context.Background(), "owner of "+string(r.Ref))
				_, _ = p.eng.Decide(ctx, r.Ref, r.Version, payment.DecideRepaid, payment.Note{By: "owner"})
			}()
			return
		}
	}
}

// decided checks what remains after the owner: nothing waits any more.
func (w *world) decided() {
	for _, r := range w.ledger.sorted() {
		if r.State == payment.Parked || r.State == payment.Review && r.Receipt != nil {
			w.fail("the owner decided, and %s is still %s (%s)", r.ID, r.State, r.Reason)
		}
		if r.Owed() {
			w.fail("the owner has paid back, and %s is still owed", r.ID)
		}
	}
}
