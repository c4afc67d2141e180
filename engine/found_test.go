package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// What the simulation found.

// hitch is a store on which one operation goes wrong.
type hitch struct {
	*memory.Store
	// holder fails a look at an order's key, slow is how long it takes.
	holder error
	slow   time.Duration
	// commit fails every commit.
	commit error
}

func (s *hitch) Commit(ctx context.Context, c payment.Change) error {
	if s.commit != nil {
		return s.commit
	}
	return s.Store.Commit(ctx, c)
}

func (s *hitch) Holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	if k.Kind == payment.KeyOrder {
		time.Sleep(s.slow)
		if s.holder != nil {
			return "", s.holder
		}
	}
	return s.Store.Holder(ctx, k)
}

// on puts another engine, with a worker of its own, on a store.
func (w *world) on(s payment.Store) *engine.Engine {
	w.t.Helper()
	e, err := engine.New(context.Background(), engine.Config{
		Store: s, Sites: w.shop, Observer: w.events, Rand: func() float64 { return 0.5 },
		Providers: map[string]engine.Provider{"idpay": {Provider: w.bank, Timeout: 8 * time.Second}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// A store that could not be read has recorded nothing: its return must come
// again, and no page may point to a record that is not there, or that knows
// nothing of this return.
func TestAReturnThatIsNotOnRecordIsNotPending(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*world) engine.Ask{
		"unknown":   func(w *world) engine.Ask { return w.stranger("K1", "101") },
		"announced": func(w *world) engine.Ask { w.announce(); return w.ask() },
		"declined before": func(w *world) engine.Ask {
			w.announce()
			w.bank.play(payment.Answer{Outcome: payment.OutcomeRefused})
			w.Admit(w.t.Context(), w.ask())
			time.Sleep(10 * time.Second)
			return w.ask()
		},
	} {
		for _, slow := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, slow %v", name, slow), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					defer w.halt()
					a := prepare(w)
					bad := &hitch{Store: w.store, holder: errors.New("connection reset")}
					if slow {
						bad = &hitch{Store: w.store, slow: 2 * a.Patience}
					}
					res := w.on(bad).Admit(t.Context(), a)
					if slow && (res.Kind != engine.Pending || res.Record != nil) || !slow && res.Kind != engine.Unavailable {
						t.Errorf("it is %s, on record %v, and nothing of this return is", res.Kind, res.Record != nil)
					}
					time.Sleep(8 * a.Patience)
				})
			})
		}
	}
}

// A return in the pause after a "no" that could not be written down must come
// again: the page that points to the record would say "not paid".
func TestAReturnThatCouldNotBeKeptForLaterComesAgain(t *testing.T) {
	t.Parallel()
	for name, soon := range map[string]bool{"the ledger gives no answer": false, "the worker asks soon anyway": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.halt()
				w.announce()
				w.bank.play(payment.Answer{Outcome: payment.OutcomeRefused})
				r := w.Admit(t.Context(), w.ask()).Record
				if !soon {
					r.Due = time.Time{}
					if err := w.store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
						t.Fatal(err)
					}
				}
				res := w.on(&shaky{Store: w.store, n: 1}).Admit(t.Context(), w.ask())
				if res.Kind != engine.Pending || res.Record != nil {
					t.Errorf("it is %s, on record %v", res.Kind, res.Record != nil)
				}
			})
		})
	}
}

// The shop has not said what it expects, and the note that its customer is back
// meets another's: the return comes again.
func TestAReturnThatLostARaceWhileItsShopIsSilentComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		a := w.stranger("K1", "101")
		a.Expect = func(context.Context, string) (payment.Expectation, error) {
			return payment.Expectation{}, engine.ErrUnanswered
		}
		res := w.on(&hitch{Store: w.store, commit: payment.ErrConflict}).Admit(t.Context(), a)
		if res.Kind != engine.Pending || res.Record != nil {
			t.Errorf("it is %s, on record %v", res.Kind, res.Record != nil)
		}
	})
}

// A "no" stands for a moment. A clock that was put back in that moment must not
// make it stand for as long as the clock was wrong.
func TestAClockThatWentBackHoldsNoReturnUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		w.announce()
		w.bank.play(payment.Answer{Outcome: payment.OutcomeRefused})
		res := w.Admit(t.Context(), w.ask())
		if res.Kind != engine.Declined {
			t.Fatal(res.Kind)
		}
		// As if it had been asked by a clock that was twenty minutes ahead.
		r := res.Record.Clone()
		r.Attempts.Last = r.Attempts.Last.Add(20 * time.Minute)
		if err := w.store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
		w.bank.play(paid(payment.OutcomePaid))
		time.Sleep(10 * time.Second)
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
			t.Errorf("a customer who has paid is told %s", res.Kind)
		}
	})
}

// A backup of the moment between "verified" and the delivery is put back: the
// shop may have been told, and does not dedupe.
func TestABackupPutBackDeliversNothingTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		once bool
		want payment.State
		told int
	}{
		"once":       {once: true, want: payment.Parked, told: 0},
		"idempotent": {want: payment.Delivered, told: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.shop.policy.Once = c.once })
				ref := w.announce().Ref
				if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
					t.Fatal(res.Kind)
				}
				backup := w.record(ref)
				w.halt()
				w.start(w.store.Lose()) // the next generation
				defer w.halt()
				backup.Version = 0
				if err := w.store.Commit(t.Context(), payment.Change{Record: backup}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Minute)
				w.wantState(ref, c.want)
				if w.shop.count() != c.told {
					t.Errorf("the shop was told %d times", w.shop.count())
				}
			})
		})
	}
}

// A site that takes several payments of an order is away for a moment (a reload
// took its route out) when the worker comes to the second one: its customer has
// paid, and nobody may refuse that for a site that cannot be asked.
func TestASecondPaymentWaitsForItsSite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy engine.Policy
		away   time.Duration
		want   payment.State
		reason payment.Reason
		blind  bool // the provider can't be asked without settling
	}{
		"several are taken":       {engine.Policy{Many: true}, 8 * time.Minute, payment.Delivered, "", false},
		"one is taken":            {engine.Policy{}, 8 * time.Minute, payment.Declined, payment.ReasonOrderPaid, false},
		"the site stays away":     {engine.Policy{Many: true}, 100 * time.Hour, payment.Expired, payment.ReasonNotPaid, false},
		"several, never was away": {engine.Policy{Many: true}, 0, payment.Delivered, "", false},
		"several, no inquiry":     {engine.Policy{Many: true}, 8 * time.Minute, payment.Delivered, "", true},
		"stays away, no inquiry":  {engine.Policy{Many: true}, 100 * time.Hour, payment.Declined, payment.ReasonOrderPaid, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.shop.policy, w.tick = c.policy, 5*time.Second
					if !c.blind {
						w.bank.inquiry = []payment.Answer{{Outcome: payment.OutcomeAwaiting}}
					}
				})
				defer w.halt()
				w.shop.leave(c.away)
				first := w.announce().Ref
				for w.record(first).State != payment.Verified && w.record(first).State != payment.Delivered {
					time.Sleep(time.Second)
				}
				a := paid(payment.OutcomePaid)
				a.Receipt.ID, a.Receipt.Number = "K2", "78"
				w.bank.play(a)
				second, err := w.Announce(t.Context(), engine.Announcement{
					Site: "shop", Provider: "idpay", ID: "K2", Order: "101", Amount: 50000,
					Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"},
				})
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(9*time.Minute, func() { // the money has gone back
					w.bank.tell(payment.Answer{Outcome: payment.OutcomeRefused})
				})
				time.Sleep(30 * time.Hour)
				if r := w.wantState(second.Ref, c.want); r.Reason != c.reason {
					t.Errorf("%q", r.Reason)
				}
				_, before := w.bank.asked()
				version := w.record(second.Ref).Version
				time.Sleep(8 * time.Hour)
				if _, n := w.bank.asked(); n != before || w.record(second.Ref).Version != version {
					t.Errorf("it goes on for ever: %d inquiries, then %d", before, n)
				}
			})
		})
	}
}
