package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// due puts n records on a store that are due now.
func due(t *testing.T, s *memory.Store, n int, make1 func(i int, r *payment.Record)) {
	t.Helper()
	now := time.Now().UTC()
	for i := range n {
		id := fmt.Sprint("D", i)
		r := &payment.Record{
			Ref: payment.NewRef("shop", idpayTraits.Issuer, id, id), Site: "shop", Route: "/callback idpay", Provider: "idpay",
			Issuer: idpayTraits.Issuer, Environment: "live", ID: id, Order: id, Generation: 1,
			Expect:    payment.Expectation{Amount: 50000, Source: payment.FromIntent},
			Return:    &payment.Return{Method: "GET", Host: "shop", URI: "/callback?id=" + id, Arrived: now},
			CreatedAt: now, UpdatedAt: now, Due: now,
		}
		make1(i, r)
		if err := s.Commit(context.Background(), payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
	}
}

// A receiver that hangs holds up nobody else's work, however much is due for it:
// not what is claimed, and not the hand-overs of another shop.
func TestAHangingShopHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 5_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := memory.New(nil)
				due(t, store, n, func(_ int, r *payment.Record) {
					r.State = payment.Verified
					r.Receipt = &payment.Receipt{ID: r.ID, Order: r.Order, Amount: 50000}
				})
				w := newWorld(t)
				w.halt()
				w.shop.hang = 90 * time.Second
				w.bank.echo = true
				time.Sleep(time.Second)
				due(t, store, 1, func(_ int, r *payment.Record) {
					r.Ref, r.ID, r.Order = payment.NewRef("shop", idpayTraits.Issuer, "LATE", "LATE"), "LATE", "LATE"
					r.State, r.Reason, r.Attempts.Claimed = payment.Created, payment.ReasonWaiting, true
				})
				w.start(store)
				time.Sleep(15 * time.Second)
				late := w.record(payment.NewRef("shop", idpayTraits.Issuer, "LATE", "LATE"))
				if late.State != payment.Verified || w.bank.verifies() != 1 {
					t.Errorf("behind %d hand-overs it is %s after 15 s", n, late.State)
				}
				w.halt()
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

// A provider that hangs holds up no other's claimed payments.
func TestAHangingProviderHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		slow := &bank{t: t, store: store, traits: idpayTraits, took: time.Hour}
		quick := &bank{t: t, store: store, traits: idpayTraits, echo: true, took: 100 * time.Millisecond}
		quick.traits.Issuer, quick.traits.Host = "quick|bank.example|live", "quick.example"
		claimed := func(r *payment.Record) {
			r.State, r.Reason, r.Attempts.Claimed = payment.Created, payment.ReasonWaiting, true
		}
		due(t, store, 200, func(_ int, r *payment.Record) { claimed(r) })
		time.Sleep(time.Second)
		due(t, store, 50, func(i int, r *payment.Record) {
			claimed(r)
			r.ID, r.Order = fmt.Sprint("Q", i), fmt.Sprint("Q", i)
			r.Provider, r.Issuer, r.Ref = "quick", quick.traits.Issuer, payment.NewRef("shop", quick.traits.Issuer, r.ID, r.Order)
		})
		e, err := engine.New(t.Context(), engine.Config{
			Store: store, Sites: &shop{}, Rand: func() float64 { return 0.5 },
			Providers: map[string]engine.Provider{"idpay": {Provider: slow, Timeout: 8 * time.Second}, "quick": {Provider: quick, Timeout: 8 * time.Second}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		time.Sleep(7 * time.Second) // the slow one has not given up its first question
		if n := quick.verifies(); n != 50 {
			t.Errorf("%d of 50 were asked about beside a provider that hangs", n)
		}
		stop()
		<-done
	})
}

// What a dead owner was doing is taken up however much else is due.
func TestWhatWasInterruptedIsFoundBehindABacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		due(t, store, 1_050, func(_ int, r *payment.Record) {
			r.State = payment.Parked
		})
		w := newWorld(t)
		w.halt()
		w.bank.echo = true
		ref := payment.NewRef("shop", idpayTraits.Issuer, "CUT", "CUT")
		due(t, store, 1, func(_ int, r *payment.Record) {
			r.Ref, r.ID, r.Order, r.State = ref, "CUT", "CUT", payment.Verifying
			r.Attempts.Claimed, r.Attempts.Open, r.Attempts.Count = true, true, 1
			r.Lease = payment.Lease{Owner: "dead", Until: time.Now().Add(-time.Second)}
			r.Due = time.Now().Add(4 * time.Minute).UTC()
		})
		w.start(store)
		time.Sleep(10 * time.Second)
		if r := w.record(ref); r.State == payment.Verifying {
			t.Errorf("ten seconds after the start it is %s still", r.State)
		}
		w.halt()
	})
}
