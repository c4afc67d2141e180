package doors

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
)

// pass lets time go by, with the worker at work in it: its own ticks are a
// second apart, here they are more.
func (w *world) pass(d time.Duration) {
	tick := 20 * time.Second
	if d > 20*time.Minute {
		tick = d / 20
	}
	for gone := time.Duration(0); gone < d && len(w.faults) == 0; gone += tick {
		w.c.Advance(min(tick, d-gone))
		w.work()
	}
	if silent(w.out) {
		w.unwritten += d
	}
	if w.gone += d; w.gone > late {
		w.late = true
	}
	w.say("# %s later", d)
}

// work is the worker's turn.
func (w *world) work() {
	w.mu.Lock()
	before := len(w.requested)
	w.working = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.working = false
		w.mu.Unlock()
	}()
	e, err := theEngine(context.Background())
	if err != nil {
		w.fail("no-engine", "%v", err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), hangs())
	defer cancel()
	for range 20 {
		more, err := e.Turn(ctx)
		if ctx.Err() != nil {
			w.fail("hang", "the worker has not ended its turn within %s", hangs())
			return
		}
		if err != nil || !more {
			break
		}
	}
	w.judgeShops(before, nil)
	w.judgeOutage()
}

// rest waits until nothing of this world is under way: what an engine has begun
// runs to its end, and must not end in the next world.
func (w *world) rest() {
	if e, err := theEngine(context.Background()); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), hangs())
		defer cancel()
		if err := e.Close(ctx); err != nil {
			w.fail("hang", "%v", err)
		}
	}
}

// ending is how a world ends: every grace, window and repetition gets its time.
var ending = []time.Duration{61 * time.Second, 61 * time.Second, 3 * time.Minute, 3 * time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 24 * time.Hour}

// end waits until everything is at rest, and asks for each customer who has
// paid.
func (w *world) end() {
	if w.ledgerIs(""); len(w.faults) > 0 {
		return
	}
	if len(w.all()) > 0 {
		for _, d := range ending {
			w.pass(d)
			if len(w.faults) > 0 {
				return
			}
			if w.lost() == nil && w.unreported() == "" {
				break
			}
		}
		if p := w.lost(); p != nil {
			truth, _ := w.bank.truth(p.ID)
			w.fail("lost-customer", "order %s of %s (%d rials, %s, payment %s) is %s at the bank; the ledger has %s; its customer %s", p.Order, p.Site, p.Amount, p.Provider, p.ID, truth.State, w.ledger(p), how(p))
		}
	}
	w.judgeFirsts()
	w.judgeSeen()
	w.judgeConversions()
	w.panics()
}

func how(p *purchase) string {
	if p.Brought {
		return "came back"
	}
	return "closed the tab"
}

// window is how long the sandbox's gateways wait for a verify before the money goes back, less
// what is needed to ask again.
const window = 8 * time.Minute

// lost is an honest customer who has paid and has neither order, nor retry, nor
// person.
func (w *world) lost() *purchase {
	all := w.all()
	for _, p := range all {
		if p.Browser != 0 || p.Link == "" || w.slots[p.Slot] != p {
			continue
		}
		rec := w.record(p)
		if p.Plugin {
			if w.owedByPlugin(p, rec) {
				return p
			}
			continue
		}
		if !w.due(p, all) {
			continue
		}
		if rec == nil {
			return p
		}
		switch rec.State {
		case payment.Delivered, payment.Parked, payment.Review:
		case payment.Reversed:
		default:
			if rec.Due.IsZero() || rec.State == payment.Created || rec.State == payment.Declined || rec.State == payment.Expired {
				return p
			}
		}
	}
	return nil
}

// due: this customer is owed an order. One who paid an order that another has
// paid as well is not, nor one who never returned where nobody told us how to
// hand the payment over.
func (w *world) due(p *purchase, all []*purchase) bool {
	truth, ok := w.bank.truth(p.ID)
	if !ok || truth.PaidAt == nil || truth.State == sandbox.StateRefunded {
		return false
	}
	if truth.State == sandbox.StateReversed && w.unwritten >= window {
		return false // while nothing could be recorded for so long, the bank gave the money back
	}
	b := w.blockNumbered(p.Block)
	for _, o := range all {
		if b != nil && b.Many {
			break
		}
		if t, ok := w.bank.truth(o.ID); ok && o != p && o.Site == p.Site && o.Order == p.Order && !p.Checkout && t.PaidAt != nil {
			return false
		}
	}
	if b == nil || b.NoAnnounce && !p.Checkout {
		return false
	}
	if p.Brought {
		return true
	}
	return p.Closed && (p.Checkout || b.Verifies[p.Verify].Expect == "intent" && b.Return == "named")
}

func (w *world) record(p *purchase) *payment.Record {
	running.Lock()
	store := running.store
	running.Unlock()
	page, err := store.List(context.Background(), payment.Listing{ID: p.ID, Limit: 1000})
	if err != nil {
		return nil
	}
	// What is left of a refusal that named this id is no payment.
	rank := func(r *payment.Record) int {
		switch {
		case r.State == payment.Delivered:
			return 3
		case r.State == payment.Declined && r.Attempts.Count == 0 && r.Receipt == nil && !r.Expect.Known():
			return 0
		case r.Order == p.Order && r.Provider == p.Provider:
			return 2
		}
		return 1
	}
	var best *payment.Record
	for _, r := range page.Records {
		if best == nil || rank(r) > rank(best) {
			best = r
		}
	}
	return best
}

func (w *world) ledger(p *purchase) string {
	if r := w.record(p); r != nil {
		return string(r.State) + " " + string(r.Reason)
	}
	return "nothing of it"
}
