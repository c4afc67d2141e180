package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A payment belongs to the site, the route and the order that it was made for
// (M11): a return that brings it to another, whatever its reference says, is
// told nothing, asks nobody and delivers nothing.
func TestAPaymentBelongsToItsSiteRouteAndOrder(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(*engine.Ask){
		"another site":  func(a *engine.Ask) { a.Site = "other" },
		"another route": func(a *engine.Ask) { a.Route = "/wallet idpay" },
		"another order": func(a *engine.Ask) { a.Order, a.Claimed.Order = "102", "102" },
	} {
		for _, settled := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					defer w.halt()
					_, rec, err := w.Purchase(t.Context(), engine.Purchase{
						Site: "shop", Route: "/callback idpay", Provider: "idpay", Order: "101", Amount: 50000,
						Ref: payment.CheckoutRef("shop", idpayTraits.Issuer, "101"), ReturnURL: "https://shop/callback",
						Return: payment.Return{Method: "GET", Host: "shop", URI: "/callback"},
					})
					if err != nil {
						t.Fatal(err)
					}
					if settled {
						if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
							t.Fatalf("%+v", res)
						}
					}
					before := w.bank.verifies()
					for _, ref := range []payment.Ref{"", rec.Ref} {
						a := w.ask()
						a.Ref, a.Proof = ref, true
						a.Expect = func(context.Context, string) (payment.Expectation, error) {
							return payment.Expectation{Source: payment.FromSigned, Amount: 50000}, nil
						}
						bend(&a)
						if res := w.Admit(t.Context(), a); res.Kind != engine.Foreign || res.Record != nil || res.Bound {
							t.Errorf("with the reference %q: %+v", ref, res)
						}
					}
					if w.bank.verifies() != before || w.shop.count() != 0 {
						t.Errorf("%d questions, %d deliveries", w.bank.verifies()-before, w.shop.count())
					}
				})
			})
		}
	}
}

// Ids that were used before this ledger began pay for nothing (M6), and nobody
// is asked about them.
func TestImportedIDsPayForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		if _, err := w.store.Reserve(t.Context(), []payment.Key{payment.ReceiptKey(idpayTraits.Issuer, "K1")}); err != nil {
			t.Fatal(err)
		}
		a := w.stranger("K1", "101")
		a.Proof = true
		if res := w.Admit(t.Context(), a); res.Kind != engine.Foreign || w.bank.verifies() != 0 {
			t.Errorf("%+v after %d questions", res, w.bank.verifies())
		}
	})
}

// odd is a provider whose reader panics over some answer.
type odd struct{ payment.Provider }

func (odd) Verify(context.Context, payment.Query) payment.Answer {
	panic("CANARY: a text of the provider's")
}

// A panic over an answer is an unknown answer (F47): the process lives, the
// payment is asked about again, and the panic's text goes nowhere.
func TestAPanicOfAProviderIsAnUnknownAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.halt()
		e, err := engine.New(t.Context(), engine.Config{
			Store: w.store, Sites: w.shop, Observer: w.events, Rand: func() float64 { return 0.5 },
			Providers: map[string]engine.Provider{"idpay": {Provider: odd{w.bank}, Timeout: 8 * time.Second}},
		})
		if err != nil {
			t.Fatal(err)
		}
		res := e.Admit(t.Context(), w.stranger("K1", "101"))
		if res.Kind != engine.Pending || res.Record == nil || res.Record.State != payment.Unknown || res.Record.Due.IsZero() {
			t.Errorf("%+v", res)
		}
		w.events.mu.Lock()
		defer w.events.mu.Unlock()
		for _, ev := range w.events.list {
			if ev.Err != nil && ev.Err.Error() != "provider panicked: string" {
				t.Errorf("%s: %v", ev.Name, ev.Err)
			}
		}
	})
}

// Who was paused past its lease (F29) must not record what became of a delivery
// that another one made since: the epoch tells the two apart.
func TestAnOvertakenDeliveryRecordsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		w.halt()                                                  // no worker takes part
		first, second := make(chan struct{}), make(chan struct{}) // they are at the shop
		ended := make(chan struct{})                              // the first one's delivery is on record, or is not
		over := make(chan struct{})
		go func() {
			defer close(over)
			<-first
			time.Sleep(10 * time.Minute) // past its lease
			d := engine.Delivery{Via: payment.ViaWorker, Policy: w.shop.policy}
			now, err := w.Deliver(t.Context(), w.record(rec.Ref), d, func(_ context.Context, r *payment.Record) engine.Handed {
				if r.Delivery.Count != 2 {
					t.Errorf("%+v", r)
				}
				close(second)
				<-ended
				return engine.Handed{Status: 500}
			})
			if err != nil || now.State != payment.Delivering || now.Reason != payment.ReasonNoProof {
				t.Errorf("the second one made it %s (%s), %v", now.State, now.Reason, err)
			}
		}()
		now, err := w.Deliver(t.Context(), w.record(rec.Ref), w.byBrowser(), func(context.Context, *payment.Record) engine.Handed {
			close(first)
			<-second
			return engine.Handed{Acked: true, Status: 200}
		})
		if err != nil || now.State != payment.Delivering {
			t.Errorf("the overtaken one made it %s, %v", now.State, err)
		}
		close(ended)
		<-over
	})
}
