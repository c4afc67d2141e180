package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// lookedUp is a return that the shop has to explain.
func (w *world) lookedUp(answer func() (payment.Expectation, error)) engine.Ask {
	a := w.ask()
	a.Expect = func(context.Context, string) (payment.Expectation, error) { return answer() }
	w.shop.expect = answer
	return a
}

// verdict is what a shop that is asked says, and can be changed while it is
// being asked.
type verdict struct {
	mu  sync.Mutex
	err error
}

func (v *verdict) set(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
}

func (v *verdict) ask() (payment.Expectation, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return payment.Expectation{Amount: 50000, Source: payment.FromLookup}, v.err
}

// M4: a return that names another order is not credited because the shop was
// slow to say what it expects.
func TestBindIsJudgedBeforeTheShopHasAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		var says verdict
		says.set(engine.ErrUnanswered)
		a := w.lookedUp(says.ask)
		a.Bound = func(string) bool { return false }
		ref := w.Admit(t.Context(), a).Record.Ref
		says.set(nil)
		time.Sleep(3 * time.Minute)
		if r := w.wantState(ref, payment.Review); r.Reason != payment.ReasonBinding || w.shop.count() != 0 {
			t.Errorf("%s, told %d times", r.Reason, w.shop.count())
		}
	})
}

// Rule 1: a return is waited for from when it came, not from when its record
// was made; and what is given up is said.
func TestALookupThatIsLateIsWaitedForFromTheReturnOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.tick = 5 * time.Second })
		defer w.halt()
		var says verdict
		a := w.lookedUp(says.ask)
		says.set(engine.ErrUnanswered)
		ref := w.Admit(t.Context(), a).Record.Ref
		says.set(engine.ErrUnknownOrder)
		time.Sleep(2 * time.Minute)
		w.wantState(ref, payment.Declined)
		time.Sleep(30 * time.Hour)
		says.set(engine.ErrUnanswered) // the shop is down when the customer comes again
		if res := w.Admit(t.Context(), a); res.Kind != engine.Pending {
			t.Fatal(res)
		}
		says.set(nil)
		time.Sleep(2 * time.Minute)
		w.wantState(ref, payment.Delivered)
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.tick = 5 * time.Second })
		defer w.halt()
		a := w.lookedUp(func() (payment.Expectation, error) { return payment.Expectation{}, engine.ErrUnanswered })
		w.Admit(t.Context(), a)
		time.Sleep(30 * time.Hour)
		if w.events.alerts(engine.EventUnknown) != 1 {
			t.Errorf("%d alerts about a customer whom nobody will ask for any more", w.events.alerts(engine.EventUnknown))
		}
	})
}

// 9: a return with a record is never answered "too many".
func TestAReturnWithARecordIsNeverTurnedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{}} })
		defer w.halt()
		w.Admit(t.Context(), w.stranger("K1", "101"))
		for i := range 200 {
			go w.Admit(t.Context(), w.stranger(fmt.Sprint("F", i), fmt.Sprint(i)))
		}
		time.Sleep(10 * time.Millisecond)
		if res := w.Admit(t.Context(), w.stranger("K1", "101")); res.Kind != engine.Pending {
			t.Errorf("%v", res.Kind)
		}
		time.Sleep(time.Minute)
	})
}

// 9: it is ids that are counted against a signed order, not how often one was
// asked about.
func TestOneWrongIDIsCountedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}}
		})
		defer w.halt()
		ask := func(id string) engine.Ask {
			a := w.ask()
			a.Claimed.ID, a.Proof = id, true
			a.Expect = func(context.Context, string) (payment.Expectation, error) {
				return payment.Expectation{Amount: 50000, Source: payment.FromSigned}, nil
			}
			return a
		}
		for range 12 { // the customer presses F5
			w.Admit(t.Context(), ask("K9"))
			time.Sleep(6 * time.Second)
		}
		w.bank.play(paid(payment.OutcomePaid))
		if res := w.Admit(t.Context(), ask("K1")); res.Kind != engine.Verified {
			t.Errorf("the order's next payment: %v", res.Kind)
		}
	})
}

// A browser's return is what is handed over, whatever the provider's own server
// sends beside it.
func TestAMachinesReturnDoesNotReplaceTheBrowsers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{}, {}, paid(payment.OutcomePaid)} })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		a := w.ask()
		a.Return.Machine, a.Return.URI = true, "/callback?machine"
		w.Admit(t.Context(), a)
		if r := w.record(rec.Ref); r.Return.Machine || r.Return.URI != "/callback?id=K1" {
			t.Errorf("kept: %+v", r.Return)
		}
	})
}

// Rule 8: a program that was answered "not yet" comes again, as a browser does, and
// is not taken for one that has gone because the worker learned first that it paid.
func TestAProgramMayComeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.shop.policy = engine.Policy{Once: true, Park: true}
			w.bank.script = []payment.Answer{{}, paid(payment.OutcomePaid)}
		})
		defer w.halt()
		rec := w.announce()
		a := w.ask()
		a.Return.Machine = true
		w.Admit(t.Context(), a)
		time.Sleep(20 * time.Second)
		w.wantState(rec.Ref, payment.Verified)
		if res := w.Admit(t.Context(), a); res.Kind != engine.Verified {
			t.Errorf("the program that came again: %v", res.Kind)
		}
	})
}

// Rule 11: a payment that the shop has, as a person says, is reported like any
// other; without a track there is nothing to report.
func TestHasReportsWithItsTrackOrNotAtAll(t *testing.T) {
	t.Parallel()
	for name, track := range map[string]*payment.Track{"tracked": {ID: "trk", Affiliate: "hamekar"}, "untracked": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.shop.policy = engine.Policy{Once: true, Park: true} })
				defer w.halt()
				if track != nil {
					if err := w.Note(t.Context(), w.bank.traits.Issuer, "K1", *track); err != nil {
						t.Fatal(err)
					}
				}
				ref := w.Admit(t.Context(), w.stranger("K1", "101")).Record.Ref
				time.Sleep(2 * time.Minute)
				r := w.wantState(ref, payment.Parked)
				if _, err := w.Decide(t.Context(), ref, r.Version, payment.DecideCredited, payment.Note{By: "me"}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				r = w.wantState(ref, payment.Delivered)
				if track == nil && (r.Sale() != nil || !r.Earliest().IsZero()) || track != nil && w.net.count() != 1 {
					t.Errorf("%d reports, conversion %+v, due %v", w.net.count(), r.Reports, r.Earliest())
				}
			})
		})
	}
}

// What a person gives is handed over: the customer's absence was known.
func TestWhatAPersonGivesIsHandedOverWhereTheSiteSaysPark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.shop.policy = engine.Policy{Once: true, Park: true}
			w.bank.script = []payment.Answer{paid(payment.OutcomeAgain)}
		})
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		r := w.wantState(rec.Ref, payment.Review)
		if _, err := w.Decide(t.Context(), rec.Ref, r.Version, payment.DecideAccept, payment.Note{By: "me"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		w.wantState(rec.Ref, payment.Delivered)
	})
}

// Rule 5: nobody is sent to pay with an id whose receipt is used up.
func TestAnIDThatPaidBeforeIsNoNewIntent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		w.Admit(t.Context(), w.stranger("K1", "101"))
		_, _, err := w.Purchase(t.Context(), engine.Purchase{
			Site: "shop", Provider: "idpay", Order: "102", Amount: 50000,
			Ref: payment.CheckoutRef("shop", idpayTraits.Issuer, "102"),
		})
		if err == nil {
			t.Error("a customer is sent to pay what cannot be credited")
		}
	})
}

// M14: an announcement is durable when the customer is let go, once, and cannot
// be talked over.
func TestAnnouncementsStand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		rec := w.announce()
		if w.store.Synced != 1 || w.store.Lazy != 0 {
			t.Errorf("%d durable and %d lazy commits, want one durable", w.store.Synced, w.store.Lazy)
		}
		if again := w.announce(); again.Ref != rec.Ref || w.store.Synced != 1 {
			t.Errorf("the same again: %s after %s, %d commits", again.Ref, rec.Ref, w.store.Synced)
		}
		same := engine.Announcement{Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Amount: 50000}
		for what, change := range map[string]func(*engine.Announcement){
			"another order": func(a *engine.Announcement) { a.Order = "102" },
			"another price": func(a *engine.Announcement) { a.Amount = 1000 },
			"another site":  func(a *engine.Announcement) { a.Site = "sister" },
		} {
			a := same
			change(&a)
			if _, err := w.Announce(t.Context(), a); !errors.Is(err, engine.ErrForeign) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if holder, err := w.store.Holder(t.Context(), payment.IntentKey(rec.Issuer, "K1")); err != nil || holder != rec.Ref {
			t.Errorf("its id leads to %q, %v", holder, err)
		}
	})
}
