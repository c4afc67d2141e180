package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// The worker's inquiries go through the breaker like every other question: a
// provider that is gone opens it, somebody is told, and it is hardly asked until it
// is back.
func TestTheWorkersInquiriesOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.inquiry = []payment.Answer{{Err: errors.New("refused"), Unsent: true}}
		})
		defer w.halt()
		for i := range 60 {
			id := fmt.Sprint("W", i)
			back := &payment.Return{Method: "GET", Host: "shop", URI: "/back"}
			if _, err := w.Announce(t.Context(), engine.Announcement{Site: "shop", Route: "/back idpay", Provider: "idpay", ID: id, Order: id, Amount: 50000, Return: back}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		_, inquired := w.bank.asked()
		if inquired < 10 || inquired > 100 {
			t.Errorf("a provider that is gone was asked %d times in five minutes", inquired)
		}
		if n := w.events.alerts(engine.EventBreaker); n != 1 {
			t.Errorf("it was told %d times that it is gone", n)
		}
	})
}

// While a provider is gone strangers' inventions fill no more than the room that
// is theirs, however many clients bring them.
func TestInventionsWhileTheBreakerIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{Err: errors.New("refused"), Unsent: true}} })
		defer w.halt()
		for i := range 60 {
			id := fmt.Sprint("B", i)
			if _, err := w.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: id, Order: id, Amount: 50000}); err != nil {
				t.Fatal(err)
			}
			a := w.ask()
			a.Claimed.ID, a.Claimed.Order, a.Order = id, id, id
			w.Admit(t.Context(), a)
		}
		calls := w.bank.verifies()
		for i := range 6000 {
			a := w.stranger(fmt.Sprint("X", i), fmt.Sprint("o", i))
			a.Client = fmt.Sprintf("10.%d.%d.1", i/250, i%250)
			if res := w.Admit(t.Context(), a); res.Kind == engine.Verified {
				t.Fatal(res.Kind)
			}
		}
		n := 0
		for q := (payment.Listing{Limit: 1000}); ; {
			page, err := w.store.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				if r.Expect.Source == payment.FromNone {
					n++
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		if n == 0 || n > 2_020 { // the room, and what was let through at once
			t.Errorf("%d inventions are on record", n)
		}
		if more := w.bank.verifies() - calls; more > 30 {
			t.Errorf("they were asked for %d times", more)
		}
	})
}
