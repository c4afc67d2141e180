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
