package simulation

import (
	"slices"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// watch is what the checks remember.
type watch struct {
	// forgotten are the ids whose record was lost with a ledger, in part or
	// whole.
	forgotten map[string]bool
	// recorded is when a genuine return of an id was first put on record.
	recorded map[string]time.Time
	// paid is when somebody last learned that a record is paid, and asked the ledger to keep
	// it, which may write it later.
	paid map[payment.Ref]time.Time
	// cutTails counts the times that something unsynced was lost.
	cutTails int
}

// rolledBack: lazy changes were lost; a try that was on record may come again.
func (x *watch) rolledBack(w *world) {
	x.cutTails++
	clear(w.network.tries)
}

// replaced: the ledger is replaced by another.
func (x *watch) replaced(w *world, by *ledger) {
	for ref, r := range w.ledger.records {
		if b := by.records[ref]; b == nil || b.Version != r.Version {
			x.forgotten[r.ID] = true
		}
	}
	clear(w.network.tries)
}

// asked checks a verify that is about to leave a node.
//
//	INV6  no byte goes to the provider's verify before the claim is durable
//	INV8  what nothing explains causes no call
//	INV9  one call per payment in flight; while a shop's own is not answered in time, one of ours beside it
func (w *world) asked(p *process, c *call, q payment.Query, issuer string) {
	d := w.bank.at(q.ID, issuer)
	if w.plan.intents() && (d == nil || d.old) {
		w.fail("INV8: %s was verified, which no intent explains", q.ID)
	}
	if holder, used := w.ledger.keys[payment.ReceiptKey(issuer, q.ID)]; used && holder == "" {
		w.fail("INV8: %s was verified, which is known to have been used before", q.ID)
	}
	if !w.claimed(p, q, issuer) {
		w.fail("INV6: %s asks about %s and no claim of its is durable", p.name, q.ID)
	}
	w.bank.flying = slices.DeleteFunc(w.bank.flying, func(f flight) bool { return f.c.over })
	mine, beside := issuer+" "+q.ID+" "+q.Order, false
	for _, f := range w.bank.flying {
		switch {
		case f.id != mine || f.c.p.stood || p.stood || w.passedOn(q.ID):
		case f.c.p == p && w.plugin != nil && w.plugin.relayed > askTimeout && !f.c.beside && w.now.Sub(f.at) > askTimeout && !beside && w.markers(q, issuer) > 1:
			beside, w.bank.slow.beside = true, true
			w.hits.beside++
		default:
			w.fail("INV9: two verifies of %s are in flight, of %s and %s", q.ID, f.c.p.name, p.name)
		}
	}
	c.beside = beside
	w.bank.flying = append(w.bank.flying, flight{c, mine, w.now})
	if d != nil {
		d.sent++
	}
}

// claimed: a power cut now would leave a claim of p's for this question.
func (w *world) claimed(p *process, q payment.Query, issuer string) bool {
	for ref, r := range w.ledger.records {
		if r.ID != q.ID || r.Order != q.Order || r.Issuer != issuer {
			continue
		}
		d := w.ledger.durable(ref)
		if d != nil && d.Attempts.Count > 0 && d.Expect.Known() &&
			(p.stood || heldForAPerson(d) || d.State == payment.Review && d.Reason == payment.ReasonUnannounced && d.Attempts.Open || d.State == payment.Verifying && d.Attempts.Open && d.Lease.Owner == p.name) {
			return true
		}
	}
	return false
}

// markers is how many questions about it are durably on record.
func (w *world) markers(q payment.Query, issuer string) (n int) {
	for ref, r := range w.ledger.records {
		if d := w.ledger.durable(ref); d != nil && r.ID == q.ID && r.Order == q.Order && r.Issuer == issuer {
			n += d.Attempts.Count
		}
	}
	return n
}

// heldForAPerson: our books hold it, and the shop's own ask is passed on all the same.
func heldForAPerson(r *payment.Record) bool {
	return r.Relay != nil && r.Relay.Asked > 0 && (r.State == payment.Review || r.State == payment.Reversed || !r.Relay.GivingBack.IsZero() || r.Dismissed())
}

// passedOn: the shop's own asks about it are passed on as they come.
func (w *world) passedOn(id string) bool {
	for _, r := range w.ledger.records {
		if r.ID == id && heldForAPerson(r) {
			return true
		}
	}
	return false
}

// told checks what the shop is about to be told.
//
//	rule 2  the receipt is durable before anything says "paid"
//	rule 7  with `deliver once` the delivery is durable before the shop is called
func (w *world) told(p *process, r *payment.Record) {
	d := w.ledger.durable(r.Ref)
	switch {
	case d == nil || !d.State.Captured() && d.State != payment.Reversed:
		w.fail("rule 2: %s tells the shop of %s, which is not durably paid", p.name, r.ID)
	case w.plan.policy.Once && !p.stood && (d.State != payment.Delivering || d.Delivery.Count != r.Delivery.Count):
		w.fail("rule 7: %s tells the shop of %s, and the delivery is not durable", p.name, r.ID)
	case w.plan.policy.Park && r.Delivery.Via == payment.ViaWorker && len(r.Decisions()) == 0:
		w.fail("rule 8: %s tells the shop of %s without its customer, and the site says to park it", p.name, r.ID)
	case r.Return != nil && strings.HasSuffix(r.Return.URI, "own="+elsewhere):
		w.fail("INV2: %s tells the shop of %s with a return whose own parameter names another order", p.name, r.ID)
	}
}

// credited checks that the shop was right to give the goods.
//
//	INV1  an order and a receipt are credited once
//	INV2  what is credited was verified at the provider, for this order and sum
func (w *world) credited(r *payment.Record) {
	d := w.dealOf(r)
	if n := w.shop.byID[r.ID]; n > 1 {
		w.fail("INV1: the receipt %s was credited %d times", r.ID, n)
	}
	if ids := w.rivals(r.Order, r.Environment); len(ids) > 1 && !w.plan.policy.Many && !slices.ContainsFunc(ids, func(id string) bool { return w.watch.forgotten[id] }) {
		w.fail("INV1: the order %s was credited %d times, by %v", r.Order, len(ids), ids)
	}
	switch {
	case d == nil:
		w.fail("INV2: %s was credited and nobody paid it", r.ID)
	case d.old:
		w.fail("INV2: %s was used before this ledger began, and credited", r.ID)
	case d.verifiedAt.IsZero() || d.givenBack:
		w.fail("INV2: %s was credited and is not verified at the provider", r.ID)
	case d.order != r.Order:
		w.fail("INV2: %s is for order %s and was credited to %s", r.ID, d.order, r.Order)
	case d.amount != r.Price():
		w.fail("INV2: %s is for %d and was credited as %d", r.ID, d.amount, r.Price())
	}
}

// reported checks what the network is about to be told.
//
//	INV4  a conversion is of a delivered payment, and each try is on record
func (w *world) reported(c payment.Sale) {
	var r *payment.Record
	for _, x := range w.ledger.records {
		if p := x.Sale(); p != nil && x.SaleOf(*p).EventID == c.EventID {
			r = x
		}
	}
	switch {
	case c.EventID == "" || r == nil && len(w.watch.forgotten) == 0:
		w.fail("INV4: a conversion of no payment is reported: %+v", c)
		return
	case r == nil:
		return
	case r.Sale().Tries < c.Try && w.watch.cutTails > 0:
		return // the database lost power under a node that lives on: this try may come again
	case r.State != payment.Delivered && r.State != payment.Reversed:
		w.fail("INV4: the conversion of %s is reported while it is %s", r.ID, r.State)
	case w.plugin != nil && w.plugin.lost[r.ID]:
	case len(w.shop.byID) == 0:
		w.fail("INV4: the conversion of %s is reported and nothing was credited", r.ID)
	case r.Sale().Tries < c.Try:
		w.fail("INV4: try %d of the conversion of %s is not on record", c.Try, r.ID)
	case w.network.tries[c.EventID][c.Try]:
		w.fail("INV4: try %d of the conversion of %s is made twice", c.Try, r.ID)
	}
	if w.network.tries[c.EventID] == nil {
		w.network.tries[c.EventID] = make(map[int]bool)
	}
	w.network.tries[c.EventID][c.Try] = true
}

// committed checks a change of a record.
//
//	INV7  states move along the table, one step a commit; what was known stays
//	INV8  what nothing explains is not recorded
//	rule 4  "already verified" needs an earlier question of ours
//	rule 8  nobody is given up as absent within a minute after anybody learned that they paid
//	rule 10  the receipt says what was expected
func (x *watch) committed(w *world, old, now *payment.Record, lazy bool) {
	from := payment.State("")
	if old != nil {
		from = old.State
		switch {
		case old.Expect.Known() && (now.Expect.Amount != old.Expect.Amount || now.Expect.Source != old.Expect.Source):
			w.fail("INV7: the expectation of %s changed from %+v to %+v", now.ID, old.Expect, now.Expect)
		case old.State.Captured() && now.Receipt == nil:
			w.fail("INV7: the receipt of %s is gone", now.ID)
		case now.Attempts.Count < old.Attempts.Count || now.Lease.Epoch < old.Lease.Epoch || now.Delivery.Count < old.Delivery.Count:
			w.fail("INV7: a count of %s went back", now.ID)
		}
	}
	// A call that passed while nothing could be recorded is read in whole: the question, the
	// answer and what the shop has heard are one change.
	readIn := w.plugin != nil && w.plugin.forward != nil && w.plugin.forward.calls > 0 && readInWhole(old, now)
	if !w.hits.step(old, now) && !readIn {
		w.fail("INV7: %s went from %q to %q in one commit", now.ID, from, now.State)
	}
	d := w.dealOf(now)
	switch {
	case isTrace(now) && slices.ContainsFunc(w.ledger.heldBy(now.Ref), func(payment.Key) bool { return true }):
		w.fail("INV8: the trace of %s, which was refused, holds a key", now.ID)
	case w.plan.intents() && (d == nil || d.old) && !isTrace(now) && now.Reason != payment.ReasonUnannounced && len(now.Decisions()) == 0:
		w.fail("INV8: %s was recorded, which no intent explains", now.ID)
	case from == payment.Verifying && now.State == payment.Verified:
		if lazy {
			w.fail("rule 2: %s is verified by a lazy commit", now.ID)
		}
		if now.Receipt.Again && d != nil && now.Attempts.Count < 2 && !now.Expect.Unconsumed && !d.ours {
			w.fail("rule 4: %s was verified by somebody else, and is believed", now.ID)
		}
		if now.Track.ID != "" && now.Sale() == nil && w.plan.affiliate {
			w.fail("rule 11: %s is verified without its conversion", now.ID)
		}
		if rc := now.Receipt; rc.ID != now.ID || rc.Order != "" && rc.Order != now.Order || rc.Amount != 0 && rc.Amount != now.Price() {
			w.fail("rule 10: %s is verified by a receipt that differs: %+v", now.ID, *rc)
		}
		w.unique(now)
	case from == payment.Verified && now.State == payment.Parked && now.Reason == payment.ReasonAbsent:
		if at, known := x.paid[now.Ref]; known && w.now.Sub(at) < time.Minute && !w.skewed {
			w.fail("rule 8: the customer of %s is given up %s after it was verified", now.ID, w.now.Sub(at))
		}
	}
	if lazy && (old == nil && !isTrace(now) || old != nil && now.Attempts.Count > old.Attempts.Count) {
		w.fail("INV6: a claim of %s is committed lazily", now.ID)
	}
}

// learns notes that somebody has learned that a record is paid.
func (x *watch) learns(w *world, r *payment.Record) {
	if old := w.ledger.records[r.Ref]; r.State == payment.Verified && old != nil && old.State == payment.Verifying {
		x.paid[r.Ref] = w.now
	}
}

// isTrace: it is no payment, but what is left of a return that nothing explained and
// whose provider was never asked. It is due once more: to be forgotten.
func isTrace(r *payment.Record) bool {
	return r.State == payment.Declined && !r.Expect.Known() && r.Attempts.Count == 0
}

// answered checks what a browser is told.
func (w *world) answered(c comeback, a engine.Ask, res engine.Result, began time.Time) {
	d := w.bank.deals[a.Claimed.ID]
	switch res.Kind {
	case engine.Verified, engine.Duplicate, engine.Parked:
		// Where no site takes its returns any more, our own reference still finds it.
		if c.attack == otherDesk && (!w.routeless || a.Ref == "") && !slices.ContainsFunc(w.plan.desks, func(d desk) bool { return d.name == a.Provider && d.issuer == res.Record.Issuer }) {
			w.fail("INV2: a browser that came to the route of %s is told %s of %s, which is of another account", a.Provider, res.Kind, res.Record.ID)
		}
		if a.Order != res.Record.Order || a.Site != res.Record.Site || c.attack == wrongBinding {
			w.fail("INV2: a browser that came to another order or site than %s is told %s of %s", res.Record.Order, res.Kind, res.Record.ID)
		}
		if r := w.ledger.durable(res.Record.Ref); (r == nil || !r.State.Captured() && r.State != payment.Reversed) && !w.watch.forgotten[res.Record.ID] {
			w.fail("rule 2: a browser is told %s of %s, which is not durably paid", res.Kind, res.Record.ID)
		}
	case engine.Declined:
		if d != nil && d.ours && c.attack == faultKinds && a.Claimed.Hint != payment.HintUnpaid && d.verifiedAt.Before(began) && (res.Record == nil || res.Record.State != payment.Reversed) && !w.watch.forgotten[d.id] {
			w.fail("rule 3: the customer of %s is told that it was declined, and it was taken", d.id)
		}
	}
	if d == nil || c.attack != faultKinds || res.Record == nil || a.Claimed.Hint == payment.HintUnpaid || d.paidAt.IsZero() {
		return
	}
	if _, known := w.watch.recorded[d.id]; !known && d.paidAt.Before(began) {
		w.watch.recorded[d.id] = w.now
		w.mustBeInTime(d, w.now, 150*time.Second)
	}
}

// readInWhole reports whether a change may be that of a call which passed unrecorded.
func readInWhole(old, now *payment.Record) bool {
	count, from := 0, payment.Created
	if old != nil {
		count, from = old.Attempts.Count, old.State
	}
	ended := now.State == payment.Delivered || now.State == payment.Delivering && now.Relay.Heard() || now.State == payment.Parked
	if from == payment.Verified || from == payment.Parked {
		return ended && now.Delivery.Count > old.Delivery.Count
	}
	return !from.Captured() && now.Attempts.Count == count+1 && !now.Attempts.Open && (!now.State.Captured() || now.State == payment.Verified || ended)
}
