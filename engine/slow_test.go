package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A shop whose page takes unusually long is told of while its customer still waits: each time,
// and as an alert once an hour for each site. Its page isn't cut.
func TestASlowHandOverIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.echo = true })
		w.halt()
		n := 0
		takes := func(d time.Duration) {
			t.Helper()
			n++
			a := w.signed("idpay", "K"+string(rune('a'+n)), string(rune('a'+n)))
			res := w.Admit(t.Context(), a)
			if res.Kind != engine.Verified {
				t.Fatalf("%s %v", res.Kind, res.Err)
			}
			rec, err := w.Deliver(t.Context(), res.Record, w.byBrowser(), func(ctx context.Context, _ *payment.Record) engine.Handed {
				time.Sleep(d)
				if ctx.Err() != nil {
					t.Errorf("cut after %s", d)
				}
				return engine.Handed{Acked: true, Status: 200}
			})
			if err != nil || rec.State != payment.Delivered {
				t.Errorf("%s, %v", rec.State, err)
			}
		}
		for _, c := range []struct {
			takes        time.Duration
			told, alerts int
		}{
			{0, 0, 0}, {engine.SlowDelivery - time.Nanosecond, 0, 0}, {engine.SlowDelivery, 1, 1}, {100 * time.Second, 2, 1}, {time.Second, 2, 1},
		} {
			if takes(c.takes); w.slow() != c.told || w.events.alerts(engine.EventSlow) != c.alerts {
				t.Errorf("after %s: told %d times, %d alerts, want %d, %d", c.takes, w.slow(), w.events.alerts(engine.EventSlow), c.told, c.alerts)
			}
		}
		time.Sleep(time.Hour)
		if takes(time.Minute); w.events.alerts(engine.EventSlow) != 2 {
			t.Errorf("an hour later %d alerts", w.events.alerts(engine.EventSlow))
		}
	})
}

// slow is how often a slow delivery was told of.
func (w *world) slow() (n int) {
	w.events.mu.Lock()
	defer w.events.mu.Unlock()
	for _, ev := range w.events.list {
		if ev.Name == engine.EventSlow && ev.Site == "shop" && ev.ID != "" && ev.Order != "" {
			n++
		}
	}
	return n
}
