package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Rules 1 and 2: claim before the question, receipt before "paid". The claim is
// looked at from inside the provider's call (bank.markerIsDurable).
func TestRule1And2TwoDurableCommitsPerPayment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.took = 0 })
		defer w.halt()
		res := w.Admit(t.Context(), w.stranger("K1", "101"))
		if res.Kind != engine.Verified {
			t.Fatalf("%+v", res)
		}
		if w.store.Synced != 2 || w.store.Lazy != 0 {
			t.Errorf("%d durable and %d lazy commits until verified, want 2 and 0", w.store.Synced, w.store.Lazy)
		}
		r := w.wantState(res.Record.Ref, payment.Verified)
		if r.Receipt == nil {
			t.Errorf("rule 2: committed without its receipt: %+v", r)
		}
		if _, err := w.deliver(r.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
			t.Fatal(err)
		}
		if w.store.Synced != 2 {
			t.Errorf("%d durable commits for a verified and delivered payment, want 2", w.store.Synced)
		}
	})
}

func TestRule3SilenceIsNeverFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.script = []payment.Answer{{Err: errors.New("reset")}, {Outcome: payment.OutcomeBusy}, {Outcome: payment.OutcomeOperator}, paid(payment.OutcomeAgain)}
		})
		defer w.halt()
		rec := w.announce()
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Pending {
			t.Fatalf("after a reset: %+v", res)
		}
		time.Sleep(30 * time.Second)
		r := w.wantState(rec.Ref, payment.Verified)
		if w.bank.verifies() != 4 || !r.Receipt.Again {
			t.Errorf("%d calls, receipt %+v", w.bank.verifies(), r.Receipt)
		}
		if w.events.alerts(engine.EventOperator) == 0 {
			t.Error("a wrong key is no alert")
		}
	})
}

// M8: after silence a refusal is believed only by inquiry.
func TestRule3RefusalAfterSilence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		inquiry []payment.Answer
		want    payment.State
	}{
		"nobody to ask":           {nil, payment.Review},
		"inquiry says no":         {[]payment.Answer{{Outcome: payment.OutcomeRefused}}, payment.Declined},
		"inquiry says verified":   {[]payment.Answer{paid(payment.OutcomeAgain)}, payment.Verified},
		"inquiry says given back": {[]payment.Answer{{Outcome: payment.OutcomeClosed, Reason: payment.ReasonReturned}}, payment.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.bank.script = []payment.Answer{{}, {Outcome: payment.OutcomeRefused}}
					w.bank.inquiry = c.inquiry
				})
				defer w.halt()
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				time.Sleep(10 * time.Second)
				w.wantState(rec.Ref, c.want)
			})
		})
	}
}

// A04, C14: a lost ledger makes manual work, not a second credit.
func TestRule4LostLedgerGoesToReview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.Admit(t.Context(), w.stranger("K1", "101"))
		if _, err := w.deliver(first.Record.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
			t.Fatal(err)
		}
		w.halt()
		w.bank.script = []payment.Answer{{}, paid(payment.OutcomeAgain)}
		w.bank.script[1].Receipt.VerifiedAt = time.Now()
		w.start(w.store.Lose())
		defer w.halt()
		w.Admit(t.Context(), w.stranger("K1", "101")) // the customer refreshes; a time-out
		time.Sleep(10 * time.Second)
		w.wantState(first.Record.Ref, payment.Review)
		if w.events.alerts(engine.EventReview) != 1 {
			t.Error("no alert")
		}
	})
}

func TestRule5Uniqueness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		if res := w.Admit(t.Context(), w.stranger("K1", "101")); res.Kind != engine.Verified {
			t.Fatalf("%+v", res)
		}
		// A second payment of a paid order is not even asked for where its money
		// goes back by itself.
		if res := w.Admit(t.Context(), w.stranger("K2", "101")); res.Kind != engine.OrderPaid || w.bank.verifies() != 1 {
			t.Errorf("a second id for a paid order: %+v after %d calls", res, w.bank.verifies())
		}
		// The same receipt number under another id.
		a := paid(payment.OutcomePaid)
		a.Receipt.ID, a.Receipt.Order = "K3", "103"
		w.bank.play(a)
		res := w.Admit(t.Context(), w.stranger("K3", "103"))
		if res.Kind != engine.Review || res.Record.Reason != payment.ReasonReceiptUsed {
			t.Errorf("a receipt number used before: %+v", res.Record)
		}
	})
}

func TestRule5SecondPaymentThatWasTakenIsReviewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.traits.GivesBack = false })
		defer w.halt()
		w.Admit(t.Context(), w.stranger("K1", "101"))
		a := paid(payment.OutcomePaid)
		a.Receipt.ID, a.Receipt.Number = "K2", "78"
		w.bank.play(a)
		res := w.Admit(t.Context(), w.stranger("K2", "101"))
		if res.Kind != engine.Review || res.Record.Reason != payment.ReasonSecondPayment {
			t.Errorf("%+v", res)
		}
		// `orders many` allows it.
		w.shop.policy.Many = true
		a = paid(payment.OutcomePaid)
		a.Receipt.ID, a.Receipt.Number = "K3", "79"
		w.bank.play(a)
		if res := w.Admit(t.Context(), w.stranger("K3", "101")); res.Kind != engine.Verified {
			t.Errorf("orders many: %+v", res)
		}
	})
}

func TestRule6OneVerifyCallForManyReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.took = 3 * time.Second })
		defer w.halt()
		rec := w.announce()
		var mu sync.Mutex
		kinds := make(map[engine.Kind]int)
		delivered := 0
		var all sync.WaitGroup
		for range 256 {
			all.Go(func() {
				res := w.Admit(t.Context(), w.ask())
				ok := false
				if res.Kind == engine.Verified {
					_, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200})
					ok = err == nil
				}
				mu.Lock()
				defer mu.Unlock()
				kinds[res.Kind]++
				if ok {
					delivered++
				}
			})
		}
		all.Wait()
		if w.bank.verifies() != 1 || delivered != 1 {
			t.Errorf("%d verify calls, %d deliveries, answers %v", w.bank.verifies(), delivered, kinds)
		}
	})
}

func TestRule6PatienceEndsAndTheWorkGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.took = 5 * time.Second })
		defer w.halt()
		rec := w.announce()
		a := w.ask()
		a.Patience = time.Second
		start := time.Now()
		res := w.Admit(t.Context(), a)
		if res.Kind != engine.Pending || time.Since(start) > 2*time.Second {
			t.Fatalf("%+v after %s", res, time.Since(start))
		}
		time.Sleep(5 * time.Second)
		w.wantState(rec.Ref, payment.Verified)
	})
}

// C2 and C3: a process died with the claim on record. Its lease is dead when the
// store is opened again.
func TestRule6RecoveryAfterACrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.took = time.Hour })
		rec := w.announce()
		a := w.ask()
		a.Patience = time.Millisecond
		w.Admit(t.Context(), a)
		w.stop()
		crashed := w.store.Restart()
		<-w.done
		w.bank.took = 0
		w.bank.script = []payment.Answer{paid(payment.OutcomeAgain)}
		w.start(crashed)
		defer w.halt()
		time.Sleep(40 * time.Second)
		if r := w.wantState(rec.Ref, payment.Verified); r.Attempts.Count != 2 || r.Attempts.Unknown != 1 {
			t.Errorf("attempts: %+v", r.Attempts)
		}
		// The old process's call ends at its time-out; its late answer is dropped.
		time.Sleep(time.Minute)
	})
}

func TestRule7DeliveryOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy engine.Policy
		handed engine.Handed
		want   payment.State
		reason payment.Reason
	}{
		"acked":                   {engine.Policy{Once: true}, engine.Handed{Acked: true, Status: 200}, payment.Delivered, ""},
		"once, a failure page":    {engine.Policy{Once: true}, engine.Handed{Status: 200}, payment.Parked, payment.ReasonNoProof},
		"idempotent, a redirect":  {engine.Policy{}, engine.Handed{Status: 302, Location: "/login"}, payment.Delivering, payment.ReasonNoProof},
		"once, no proof":          {engine.Policy{Once: true}, engine.Handed{Status: 500}, payment.Parked, payment.ReasonNoProof},
		"once, provably not sent": {engine.Policy{Once: true}, engine.Handed{Unsent: true}, payment.Verified, payment.ReasonUnreachable},
		"idempotent, no proof":    {engine.Policy{}, engine.Handed{Status: 500}, payment.Delivering, payment.ReasonNoProof},
		"idempotent, not sent":    {engine.Policy{}, engine.Handed{Unsent: true}, payment.Verified, payment.ReasonUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.shop.policy = c.policy })
				defer w.halt()
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				if _, err := w.deliver(rec.Ref, c.handed); err != nil {
					t.Fatal(err)
				}
				if r := w.wantState(rec.Ref, c.want); r.Reason != c.reason {
					t.Errorf("reason %q, want %q", r.Reason, c.reason)
				}
			})
		})
	}
}

func TestRule7IdempotentRepeatsForThreeDaysThenParks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.tick = 20 * time.Second
			w.shop.answers = []engine.Handed{{Status: 500}}
		})
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		for n, alerts := range []int{5: 0, 6: 1, 7: 1} {
			for w.shop.count() < n {
				time.Sleep(time.Second)
			}
			synctest.Wait()
			if got := w.events.alerts(engine.EventMissed); n > 4 && got != alerts {
				t.Errorf("%d alerts after %d deliveries without proof", got, n)
			}
		}
		time.Sleep(70 * time.Hour)
		w.wantState(rec.Ref, payment.Delivering)
		if n := w.events.alerts(engine.EventMissed); n != 1 {
			t.Errorf("%d alerts of one stubborn payment", n)
		}
		if n := w.shop.count(); n < 60 {
			t.Errorf("only %d deliveries in 70 hours", n)
		}
		time.Sleep(5 * time.Hour)
		r := w.wantState(rec.Ref, payment.Parked)
		n := w.shop.count()
		time.Sleep(24 * time.Hour)
		if w.shop.count() != n || r.Reason != payment.ReasonGaveUp || w.events.alerts(engine.EventParked) != 1 {
			t.Errorf("after parking: %d then %d deliveries, %q", n, w.shop.count(), r.Reason)
		}
	})
}

// C7, C8: the owner of a delivery died.
func TestRule7InterruptedDelivery(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{true, false} {
		t.Run(fmt.Sprintf("once %v", once), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.shop.policy.Once = once })
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				go func() {
					_, _ = w.Deliver(t.Context(), w.record(rec.Ref), w.byBrowser(), func(context.Context, *payment.Record) engine.Handed {
						runtime.Goexit() // and nobody ends the delivery
						return engine.Handed{}
					})
				}()
				synctest.Wait()
				w.wantState(rec.Ref, payment.Delivering)
				w.halt()
				w.start(w.store.Restart())
				defer w.halt()
				time.Sleep(3 * time.Minute)
				if once {
					if r := w.wantState(rec.Ref, payment.Parked); r.Reason != payment.ReasonOwnerDied || w.shop.count() != 0 {
						t.Errorf("%q, %d deliveries", r.Reason, w.shop.count())
					}
					return
				}
				if r := w.wantState(rec.Ref, payment.Delivered); r.Delivery.Count != 2 {
					t.Errorf("delivery %d", r.Delivery.Count)
				}
			})
		})
	}
}

func TestRule8TheWorkerHandsOverWhatNoBrowserClaims(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		time.Sleep(50 * time.Second)
		w.wantState(rec.Ref, payment.Verified)
		time.Sleep(15 * time.Second)
		if r := w.wantState(rec.Ref, payment.Delivered); r.Delivery.Via != payment.ViaWorker {
			t.Errorf("via %s", r.Delivery.Via)
		}
	})
}

func TestRule8AbsentPark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.shop.policy = engine.Policy{Once: true, Park: true} })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		time.Sleep(65 * time.Second)
		if r := w.wantState(rec.Ref, payment.Parked); r.Reason != payment.ReasonAbsent || w.events.alerts(engine.EventParked) != 1 {
			t.Errorf("%q", r.Reason)
		}
	})
}

func TestRule8CustomersWhoNeverReturnAreSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.inquiry = []payment.Answer{{Outcome: payment.OutcomeOpen}, {Outcome: payment.OutcomeAwaiting}}
		})
		defer w.halt()
		rec := w.announce()
		time.Sleep(9 * time.Minute) // within the provider's ten
		if r := w.wantState(rec.Ref, payment.Delivered); r.Delivery.Via != payment.ViaWorker || w.bank.verifies() != 1 {
			t.Errorf("via %s after %d calls", r.Delivery.Via, w.bank.verifies())
		}
	})
}

func TestRule8NeverPaidIntentsAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, inquiry := range map[string][]payment.Answer{"inquiry": {{Outcome: payment.OutcomeOpen}}, "verify only": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.tick = 20 * time.Second

					w.bank.inquiry = inquiry
					w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused}}
				})
				defer w.halt()
				rec := w.announce()
				time.Sleep(30 * time.Hour)
				v, i := w.bank.asked()
				n := v + i
				time.Sleep(100 * time.Hour)
				r := w.record(rec.Ref)
				v, i = w.bank.asked()
				if v+i != n || !r.Due.IsZero() || v > 3 {
					t.Errorf("still asked: %d verifies, %d inquiries, due %s", v, i, r.Due)
				}
				if r.State != payment.Expired && r.State != payment.Declined {
					t.Errorf("it is %s", r.State)
				}
			})
		})
	}
}

// M9: a "no" is not final.
func TestRule9DeclinedIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused}, {Outcome: payment.OutcomeRefused}, paid(payment.OutcomePaid)}
		})
		defer w.halt()
		rec := w.announce()
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Declined {
			t.Fatalf("%+v", res)
		}
		if w.Admit(t.Context(), w.ask()); w.bank.verifies() != 1 {
			t.Errorf("asked again at once")
		}
		time.Sleep(6 * time.Second)
		if w.Admit(t.Context(), w.ask()); w.bank.verifies() != 2 {
			t.Errorf("%d calls after a new return", w.bank.verifies())
		}
		time.Sleep(2 * time.Minute)
		w.wantState(rec.Ref, payment.Delivered) // the worker's own question at 30 s
	})
}

func TestRule9UnpaidReturnsWriteNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		rec := w.announce()
		before := w.record(rec.Ref).Version
		a := w.ask()
		a.Claimed.Hint = payment.HintUnpaid
		b := w.stranger("K9", "109")
		b.Claimed.Hint = payment.HintUnpaid
		for _, ask := range []engine.Ask{a, b} {
			if res := w.Admit(t.Context(), ask); res.Kind != engine.Declined {
				t.Errorf("%+v", res)
			}
		}
		if w.record(rec.Ref).Version != before || w.bank.verifies() != 0 {
			t.Error("an unpaid return wrote or asked")
		}
		page, err := w.store.List(t.Context(), payment.Listing{})
		if err != nil || len(page.Records) != 1 {
			t.Errorf("%d records, %v", len(page.Records), err)
		}
	})
}

func TestRule11Conversions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.net.script = []payment.ReportAnswer{{}, {Outcome: payment.ReportRetry, Code: "500"}, {Outcome: payment.ReportAccepted, Code: "202"}}
			w.tick = 2 * time.Second
		})
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		time.Sleep(5 * time.Second)
		if w.net.count() != 0 {
			t.Fatal("reported before it was delivered")
		}
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Second)
		if n := w.net.count(); n != 2 {
			t.Errorf("%d tries within 12 s, want the first and a retry within 10 s", n)
		}
		time.Sleep(time.Hour)
		r := w.record(rec.Ref)
		if r.ConversionState() != payment.SentReport || w.net.count() != 3 {
			t.Errorf("%+v after %d tries", r.Reports, w.net.count())
		}
		time.Sleep(8 * 24 * time.Hour) // longer than a report is tried
		if w.net.count() != 3 {
			t.Error("reported again")
		}
	})
}

func TestRule11RejectedPerhapsParkedAndPaused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script []payment.ReportAnswer
		want   payment.ReportState
	}{
		"422":                     {[]payment.ReportAnswer{{Outcome: payment.ReportRejected}}, payment.RejectedReport},
		"422 after no answer":     {[]payment.ReportAnswer{{}, {Outcome: payment.ReportRejected}}, payment.PerhapsReport},
		"422 after no connection": {[]payment.ReportAnswer{{Unsent: true}, {Outcome: payment.ReportRejected}}, payment.RejectedReport},
		"down for a week":         {[]payment.ReportAnswer{{}}, payment.ParkedReport},
		"401":                     {[]payment.ReportAnswer{{Outcome: payment.ReportUnauthorized}}, payment.OpenReport},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.tick = 20 * time.Second
					w.net.script = c.script
				})
				defer w.halt()
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(7*24*time.Hour - time.Hour)
				if c.want == payment.ParkedReport {
					if s := w.record(rec.Ref).ConversionState(); s != payment.OpenReport {
						t.Fatalf("given up before seven days: %s", s)
					}
				}
				time.Sleep(24 * time.Hour)
				if s := w.record(rec.Ref).ConversionState(); s != c.want {
					t.Fatalf("it is %s, want %s", s, c.want)
				}
				if name == "401" {
					if w.net.count() != 1 || w.events.alerts(engine.EventPaused) != 1 {
						t.Errorf("%d calls, %d alerts", w.net.count(), w.events.alerts(engine.EventPaused))
					}
				}
			})
		})
	}
}

// What needs a new configuration is tried with the next one, at once.
func TestRule11PausedAffiliateGoesOnWithTheNextConfiguration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := engine.NewShared()
		w := newWorld(t, func(w *world) {
			w.net.script = []payment.ReportAnswer{{Outcome: payment.ReportUnauthorized}, {Outcome: payment.ReportAccepted}}
		})
		w.halt()
		w.Shared = shared
		ctx, stop := context.WithCancel(t.Context())
		go w.Run(ctx)
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		stop()
		next, err := engine.New(t.Context(), engine.Config{
			Store: w.store, Sites: w.shop, Shared: shared, Affiliates: w.Affiliates, Providers: w.Providers,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop = context.WithCancel(t.Context())
		defer stop()
		go next.Run(ctx)
		time.Sleep(3 * time.Second)
		if s := w.record(rec.Ref).ConversionState(); s != payment.SentReport {
			t.Errorf("it is %s after the new configuration", s)
		}
	})
}

// A conversion whose affiliate is gone from the configuration waits, and
// somebody is told, once.
func TestRule11AnAffiliateThatIsConfiguredNoMoreIsAnAlert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.net.script = []payment.ReportAnswer{{Outcome: payment.ReportRetry}} })
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		w.halt()
		next, err := engine.New(t.Context(), engine.Config{
			Store: w.store, Sites: w.shop, Observer: w.events, Providers: w.Providers,
			Affiliates: map[string]payment.Reporter{"renamed": w.net},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go next.Run(ctx)
		time.Sleep(time.Hour)
		stop()
		synctest.Wait()
		if n := w.events.alerts(engine.EventPaused); n != 1 {
			t.Errorf("%d alerts", n)
		}
		if s := w.record(rec.Ref).ConversionState(); s != payment.OpenReport || w.net.count() != 1 {
			t.Errorf("it is %s after %d calls", s, w.net.count())
		}
	})
}
