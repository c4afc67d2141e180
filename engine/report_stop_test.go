package engine_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// slowHook is a webhook that answers after a time, or when it is cut off.
type slowHook struct {
	began chan struct{}
	mu    sync.Mutex
	takes time.Duration
	sales []payment.Sale
}

func (h *slowHook) Wants(k payment.ReportKind) bool { return k == payment.TellVerified }

func (h *slowHook) Report(ctx context.Context, s payment.Sale) payment.ReportAnswer {
	h.mu.Lock()
	takes := h.takes
	h.sales = append(h.sales, s)
	h.mu.Unlock()
	select {
	case h.began <- struct{}{}:
	default:
	}
	select {
	case <-ctx.Done():
		return payment.ReportAnswer{Outcome: payment.ReportRetry, Code: "timeout", Err: ctx.Err()}
	case <-time.After(takes):
		return payment.ReportAnswer{Outcome: payment.ReportAccepted, Code: "204"}
	}
}

// A report that hangs doesn't hold the stop. It stays due in its record, and is sent again
// after the start under the same id; nobody is told that it failed. One that ends within a
// moment is on record as sent.
func TestAHangingReportDoesNotHoldTheStop(t *testing.T) {
	t.Parallel()
	const grace = time.Second
	for takes, c := range map[time.Duration]struct {
		waits time.Duration
		tries int
	}{
		grace / 2:               {grace / 2, 1},
		grace - time.Nanosecond: {grace - time.Nanosecond, 1},
		grace + time.Nanosecond: {grace, 2},
		29 * time.Second:        {grace, 2},
	} {
		t.Run(takes.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &slowHook{takes: time.Hour, began: make(chan struct{}, 1)}
				w := newWorld(t, func(w *world) { w.hooks = map[string]payment.Subscriber{"shop": h} })
				w.halt()
				rec := w.announce()
				h.takes = takes
				w.start(w.store)
				w.Admit(t.Context(), w.ask())
				<-h.began
				w.EndReports()
				w.EndReports() // it may be said twice
				stopped := time.Now()
				w.stop()
				if err := w.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(stopped); waited > c.waits {
					t.Errorf("the stop waits %s, not %s", waited, c.waits)
				}
				<-w.done
				if n := len(h.told()); n != 1 {
					t.Errorf("%d tries while it stops", n)
				}
				p := w.record(rec.Ref).Report("shop", payment.TellVerified)
				if open := p != nil && p.State == payment.OpenReport && !p.Next.IsZero(); open != (c.tries > 1) {
					t.Errorf("%+v", p)
				}
				h.mu.Lock()
				h.takes = 0
				h.mu.Unlock()
				w.start(w.store)
				defer w.halt()
				time.Sleep(2 * time.Minute)
				if p := w.record(rec.Ref).Report("shop", payment.TellVerified); p != nil && p.State != payment.SentReport {
					t.Errorf("%+v", p)
				}
				all := h.told()
				if len(all) != c.tries || all[0].EventID == "" || all[0].EventID != all[len(all)-1].EventID {
					t.Errorf("%d tries: %+v", len(all), all)
				}
				w.events.mu.Lock()
				defer w.events.mu.Unlock()
				for _, ev := range w.events.list {
					if ev.Name == engine.EventUntold {
						t.Errorf("told of a failure: %+v", ev)
					}
				}
			})
		})
	}
}

func (h *slowHook) told() []payment.Sale {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sales)
}
