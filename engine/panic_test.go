package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// F47: a panic below the engine is an error of one payment, which is taken up
// again, and not the end of the process.
func TestPanicsAreErrorsOfOnePayment(t *testing.T) {
	t.Run("of a lookup, for a browser", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.halt()
			a := w.ask()
			good := w.stranger("K1", "101").Expect
			a.Expect = func(context.Context, string) (payment.Expectation, error) { panic("secret-canary") }
			if r := w.Admit(t.Context(), a); r.Kind != engine.Unavailable || w.events.alerts(engine.EventPanicked) != 1 {
				t.Errorf("%s %v", r.Kind, r.Err)
			}
			a.Expect = good
			if r := w.Admit(t.Context(), a); r.Kind != engine.Verified {
				t.Errorf("%s %v", r.Kind, r.Err)
			}
		})
	})
	t.Run("of an affiliate, for the worker", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.halt()
			first := true
			w.net.during = func() {
				if first {
					first = false
					panic("secret-canary")
				}
			}
			rec := w.announce()
			w.Admit(t.Context(), w.ask())
			if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Minute)
			if r := w.record(rec.Ref); r.ConversionState() != payment.SentReport || w.events.alerts(engine.EventPanicked) != 1 {
				t.Errorf("%+v", r.Reports)
			}
		})
	})
	for _, once := range []bool{true, false} {
		t.Run(fmt.Sprintf("of a delivery, for the worker, once %t", once), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.halt()
				w.shop.policy.Once, w.shop.panics = once, 1
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				time.Sleep(3 * time.Minute)
				// Nobody knows what the shop was told, and that is what is noted, at once.
				want, told := payment.Delivered, 2
				if once {
					want, told = payment.Parked, 1
				}
				w.wantState(rec.Ref, want)
				if w.shop.count() != told || w.events.alerts(engine.EventPanicked) != 1 {
					t.Errorf("told %d times, %d alerts", w.shop.count(), w.events.alerts(engine.EventPanicked))
				}
				// Nothing is left that a stopping Caddy would wait for.
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := w.Close(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
