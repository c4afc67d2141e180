package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// script is the invoice script: it cannot be inquired, names no window, gives
// nothing back, and answers every check alike.
var script = payment.Terms{
	Traits:   payment.Traits{Issuer: "invoice|bank.example|live", Environment: "live"},
	Protocol: payment.Protocol{AnswersAmount: true},
}

func no() payment.Answer { return payment.Answer{Outcome: payment.OutcomeRefused} }

// Rule 9: every return that claims paid is asked for, and asked for again. How
// long ago the worker asked for the first time, of itself, changes nothing.
func TestRule9ANoToALateReturnIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.traits = script
			w.bank.script = []payment.Answer{no()}
		})
		defer w.halt()
		rec := w.announce()
		time.Sleep(2 * time.Hour) // asked three times; the customer is at the bank
		n := w.bank.verifies()
		w.bank.play(no(), no(), paid(payment.OutcomePaid))
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Declined || w.bank.verifies() != n+1 {
			t.Fatalf("%+v after %d calls", res, w.bank.verifies()-n)
		}
		time.Sleep(10 * time.Minute)
		if n = w.bank.verifies() - n; n != 3 {
			t.Errorf("asked %d times, want at once, after 30 s and after 3 min", n)
		}
		w.wantState(rec.Ref, payment.Delivered)
	})
}

// Rule 3: the provider's window is that of the payment which is claimed now,
// not of the first question ever.
func TestRule3SilenceAfterALateReturnIsAskedFast(t *testing.T) {
	t.Parallel()
	for name, age := range map[string]time.Duration{"an hour after a no": time.Hour, "five days after a no": 5 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.tick = 10 * time.Second
					w.bank.script = []payment.Answer{no()}
				})
				defer w.halt()
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				time.Sleep(age)
				// The customer went back and paid: now two time-outs.
				w.bank.play(payment.Answer{}, payment.Answer{}, paid(payment.OutcomePaid))
				w.Admit(t.Context(), w.ask())
				time.Sleep(5 * time.Minute)
				w.wantState(rec.Ref, payment.Delivered)
			})
		})
	}
}

// Rule 9: a "no" to the worker's own question is none to a return that comes
// right behind it, or meanwhile.
func TestRule9AReturnIsAskedForItself(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"while the worker asks": 2 * time.Second, "just after it asked": 6 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.bank.traits = script
					w.bank.took = 5 * time.Second
					w.bank.script = []payment.Answer{no(), paid(payment.OutcomePaid)}
				})
				defer w.halt()
				w.announce()
				time.Sleep(4*time.Minute + after)
				if n := w.bank.verifies(); n != 1 {
					t.Fatalf("the worker asked %d times", n)
				}
				a := w.ask()
				a.Patience = 20 * time.Second
				if res := w.Admit(t.Context(), a); res.Kind != engine.Verified {
					t.Errorf("%v (%+v)", res.Kind, res.Record)
				}
			})
		})
	}
}

// Rule 9: a return that comes too soon after the last "no" to be asked for at
// once is asked for by the worker, though it had asked for the last time.
func TestRule9AReturnRightAfterTheLastQuestionIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"while the worker asks": time.Second / 2, "just after it asked": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.bank.took = 2 * time.Second
					w.bank.script = []payment.Answer{no(), no(), no(), no(), paid(payment.OutcomePaid)}
				})
				defer w.halt()
				rec := w.announce()
				begin := time.Now()
				if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Declined {
					t.Fatalf("%+v", res)
				}
				for w.bank.verifies() < 4 {
					time.Sleep(time.Second)
				}
				if took := time.Since(begin); took < 9*time.Minute {
					t.Fatalf("the last question came after %s", took)
				}
				time.Sleep(after)
				if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Pending {
					t.Errorf("%v (%+v)", res.Kind, res.Record)
				}
				time.Sleep(2 * time.Minute)
				w.wantState(rec.Ref, payment.Delivered)
			})
		})
	}
}

// M8: a payment that nobody has claimed yet is not taken from its customer by
// one time-out and a "no" while the bank's page is still open.
func TestRule3AGapBeforeTheReturnBlocksNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		then payment.Answer
		want payment.State
	}{
		"then it is paid": {paid(payment.OutcomePaid), payment.Delivered},
		"it is never":     {no(), payment.Review},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.bank.traits = script
					w.bank.script = []payment.Answer{{}, no(), c.then}
				})
				defer w.halt()
				rec := w.announce()
				time.Sleep(5 * time.Minute)
				w.wantState(rec.Ref, payment.Unknown)
				if c.want == payment.Delivered {
					if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
						t.Errorf("%v (%s)", res.Kind, res.Record.Reason)
					}
				}
				time.Sleep(30 * time.Hour)
				w.wantState(rec.Ref, c.want)
			})
		})
	}
}

// Rule 5: a second payment of a paid order is not taken where its money goes
// back, though a question about it was tried before and reached nobody.
func TestRule5ASecondPaymentThatNobodyHeardOfIsNotTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{Unsent: true, Err: errors.New("refused")}} })
		defer w.halt()
		first := w.Admit(t.Context(), w.stranger("K1", "101")).Record.Ref
		time.Sleep(500 * time.Millisecond)
		second := w.Admit(t.Context(), w.stranger("K2", "101")).Record.Ref
		w.bank.mu.Lock()
		w.bank.echo = true
		w.bank.mu.Unlock()
		time.Sleep(5 * time.Minute)
		taken, left := w.record(first), w.record(second)
		if left.State == payment.Delivered {
			taken, left = left, taken
		}
		if taken.State != payment.Delivered || left.State != payment.Expired || left.Reason != payment.ReasonOrderPaid || !left.Due.IsZero() {
			t.Errorf("%s and %s (%s), due %v", taken.State, left.State, left.Reason, left.Due)
		}
		if res := w.Admit(t.Context(), w.stranger(left.ID, "101")); res.Kind != engine.OrderPaid {
			t.Errorf("its customer is told %v", res.Kind)
		}
	})
}

// Rule 3: what is not known is not "failed", whatever another return says.
func TestRule3UnknownIsNotDeclinedByAnUnpaidReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{}} })
		defer w.halt()
		w.announce()
		w.Admit(t.Context(), w.ask())
		a := w.ask()
		a.Claimed.Hint = payment.HintUnpaid
		if res := w.Admit(t.Context(), a); res.Kind != engine.Pending {
			t.Errorf("a payment of unknown outcome is said to be %v", res.Kind)
		}
	})
}

// 3.4: an admitted return that is not asked for yet is pending, not declined by
// an older "no".
func TestAReturnThatWaitsForTheBreakerIsPending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{no()} })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		time.Sleep(20 * time.Minute)
		w.bank.play(payment.Answer{})
		for i := range 25 {
			w.Admit(t.Context(), w.stranger("S", string(rune('a'+i))))
		}
		n := w.bank.verifies()
		res := w.Admit(t.Context(), w.ask())
		if w.bank.verifies() != n {
			t.Fatal("the breaker is not open")
		}
		if res.Kind != engine.Pending {
			t.Errorf("a return that was not asked for is told %v", res.Kind)
		}
		w.bank.play(paid(payment.OutcomePaid))
		time.Sleep(3 * time.Minute)
		w.wantState(rec.Ref, payment.Delivered)
	})
}

// 3.4: another owner that takes its time is a 202, not a 503.
func TestRule6AnotherNodeThatTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.took = 7500 * time.Millisecond })
		defer w.halt()
		w.announce()
		other, err := engine.New(t.Context(), engine.Config{Store: w.store, Sites: w.shop, Providers: w.Providers})
		if err != nil {
			t.Fatal(err)
		}
		go w.Admit(context.Background(), w.ask())
		time.Sleep(100 * time.Millisecond)
		if res := other.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
			t.Errorf("%v, %v", res.Kind, res.Err)
		}
		if w.bank.verifies() != 1 {
			t.Errorf("%d calls", w.bank.verifies())
		}
		time.Sleep(time.Minute)
	})
}

// M4: whatever a return says that names another order, the one that names this
// order is credited.
func TestBindJudgesTheReturnThatIsHandedOver(t *testing.T) {
	t.Parallel()
	bound := func(order string) bool { return order == "101" }
	unbound := func(string) bool { return false }
	for name, c := range map[string]struct {
		first, second func(string) bool
		script        []payment.Answer
		want          payment.State
	}{
		"the wrong one first":                   {unbound, bound, []payment.Answer{no(), paid(payment.OutcomePaid)}, payment.Delivered},
		"the wrong one second":                  {bound, unbound, []payment.Answer{{}, {}, paid(payment.OutcomePaid)}, payment.Delivered},
		"a true receipt on the wrong one first": {unbound, bound, []payment.Answer{paid(payment.OutcomePaid)}, payment.Delivered},
		"only wrong ones":                       {unbound, unbound, []payment.Answer{no(), paid(payment.OutcomePaid)}, payment.Review},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.bank.script = c.script })
				defer w.halt()
				rec := w.announce()
				for i, b := range []func(string) bool{c.first, c.second} {
					a := w.ask()
					a.Bound = b
					a.Return.URI = "/callback?wrong"
					if b("101") {
						a.Return.URI = "/callback?right"
					}
					if i == 1 {
						time.Sleep(10 * time.Second)
					}
					w.Admit(t.Context(), a)
				}
				time.Sleep(5 * time.Minute)
				w.wantState(rec.Ref, c.want)
				if c.want == payment.Delivered && w.shop.told[0].Return.URI != "/callback?right" {
					t.Errorf("handed over: %s", w.shop.told[0].Return.URI)
				}
			})
		})
	}
}

// A06: whoever brings a customer's receipt with another order keeps that customer
// waiting for a person no longer than until their own return; and it takes what a
// payment takes.
func TestBindIsMadeGoodByTheTrueReturn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hint    payment.Hint
		another bool // payment of this order was captured meanwhile
		want    payment.State
	}{
		"the true return":                   {payment.HintPaid, false, payment.Verified},
		"the true return says it is unpaid": {payment.HintUnpaid, false, payment.Review},
		"the order has been paid since":     {payment.HintPaid, true, payment.Review},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{paid(payment.OutcomePaid)} })
				defer w.halt()
				rec := w.announce()
				a := w.ask()
				a.Bound = func(string) bool { return false }
				if res := w.Admit(t.Context(), a); res.Kind != engine.Review {
					t.Fatal(res)
				}
				if c.another {
					other := rec.Clone()
					other.Ref, other.Version, other.State = payment.NewRef("x", "y", "z", "101"), 0, payment.Delivered
					if err := w.store.Commit(t.Context(), payment.Change{Record: other, Take: []payment.Key{payment.OrderKey(rec.Site, rec.Environment, rec.Order)}}); err != nil {
						t.Fatal(err)
					}
				}
				a = w.ask()
				a.Bound = func(order string) bool { return order == "101" }
				a.Claimed.Hint = c.hint
				w.Admit(t.Context(), a)
				r := w.wantState(rec.Ref, c.want)
				if c.want != payment.Verified {
					return
				}
				if holder, err := w.store.Holder(t.Context(), payment.ReceiptKey(r.Issuer, r.ID)); err != nil || holder != r.Ref {
					t.Errorf("the receipt belongs to %q, %v; reports %v", holder, err, r.Reports)
				}
			})
		})
	}
}

// A ledger that was put back may have forgotten that its true return came, and was
// handed over: what is taken out of review then is not handed to a shop that
// credits whatever it is told.
func TestBindAfterALossIsNotHandedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{paid(payment.OutcomePaid)} })
		defer w.halt()
		w.shop.policy.Once = true
		rec := w.announce()
		a := w.ask()
		a.Policy.Once = true
		a.Bound = func(string) bool { return false }
		w.Admit(t.Context(), a)
		w.wantState(rec.Ref, payment.Review)
		w.store.Renew()
		a.Bound = func(string) bool { return true }
		w.Admit(t.Context(), a)
		time.Sleep(5 * time.Minute)
		if r := w.wantState(rec.Ref, payment.Parked); r.Reason != payment.ReasonOldGeneration || w.shop.count() != 0 {
			t.Errorf("%s, told %d times", r.Reason, w.shop.count())
		}
	})
}

// M4: what a person gives is not handed over with the return that named another
// order, which a shop that finds the order by it would credit.
func TestAGivenPaymentIsNotHandedOverWithAReturnThatNamesAnotherOrder(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{paid(payment.OutcomePaid)} })
			defer w.halt()
			w.shop.policy.Once = once
			rec := w.announce()
			a := w.ask()
			a.Policy.Once = once
			a.Bound = func(string) bool { return false }
			w.Admit(t.Context(), a)
			r := w.wantState(rec.Ref, payment.Review)
			if _, err := w.Decide(t.Context(), r.Ref, r.Version, payment.DecideAccept, payment.Note{By: "owner"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
			r = w.wantState(rec.Ref, payment.Parked)
			if r.Reason != payment.ReasonBinding || w.shop.count() != 0 {
				t.Errorf("%s, told %d times", r.Reason, w.shop.count())
			}
			if _, err := w.Decide(t.Context(), r.Ref, r.Version, payment.DecideRedeliver, payment.Note{By: "owner"}); !errors.Is(err, engine.ErrNotPossible) || w.shop.count() != 0 {
				t.Errorf("again: %v, told %d times", err, w.shop.count())
			}
		})
	}
}

// INV5: a shop that hangs does not keep the worker from asking the provider.
func TestRule3AShopThatHangsDelaysNoQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.echo = true
			w.shop.hang = 2 * time.Minute
		})
		defer w.halt()
		for i := range 60 {
			id := "H" + string(rune('A'+i))
			if res := w.Admit(t.Context(), w.stranger(id, id)); res.Kind != engine.Verified {
				t.Fatal(res)
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(70 * time.Second) // their browsers are gone; the worker hands over
		w.bank.mu.Lock()
		w.bank.echo = false
		w.bank.mu.Unlock()
		w.bank.play(payment.Answer{}, paid(payment.OutcomePaid))
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		time.Sleep(20 * time.Second)
		if r := w.record(rec.Ref); !r.State.Captured() {
			t.Errorf("20 s after a time-out it is %s, asked %d times", r.State, r.Attempts.Count)
		}
		time.Sleep(time.Hour)
		if n := w.shop.count(); n != 61 {
			t.Errorf("%d deliveries", n)
		}
	})
}
