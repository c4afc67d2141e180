package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The process dies while the shop's page asks and the provider's answer is lost. The
// customer reloads: the page of that return proves what the shop did with "first", because
// the page of the dead process can't be the one that heard it.
func TestRelayPageOfADeadProcess(t *testing.T) {
	for name, c := range map[string]struct {
		said  payment.ShopPage
		state payment.State
		why   payment.Reason
	}{
		"credited": {payment.PageGood, payment.Delivered, ""},
		"refused":  {payment.PageRefused, payment.Parked, payment.ReasonShopRefused},
		"died":     {payment.PageBad, payment.Parked, payment.ReasonHeardNoAck},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				w.call("create", "")
				ref := w.only().Ref
				ctx := context.Background()
				_, _ = w.RelayReturn(ctx, ref, payment.Return{URI: "/cb"}, time.Second)
				w.gate.mu.Lock()
				w.gate.lose, w.gate.took = 1, time.Second
				w.gate.mu.Unlock()
				asked := make(chan heard)
				go func() { asked <- w.call("verify", "K1") }()
				time.Sleep(100 * time.Millisecond) // the marker is on record
				crashed := w.store.Restart()
				w.halt()
				<-asked
				w.run(crashed)
				defer w.halt()
				time.Sleep(20 * time.Second)
				at, err := w.RelayReturn(ctx, ref, payment.Return{URI: "/cb"}, time.Second)
				if err != nil || at.IsZero() {
					t.Fatalf("the reload's page is not noted: %v", err)
				}
				if h := w.call("verify", "K1"); !isFirst(h) {
					t.Fatalf("the shop hears %+v", h)
				}
				w.RelayPage(ctx, ref, at, c.said)
				if r := w.wantState(ref, c.state); r.Reason != c.why {
					t.Errorf("the reason is %q, want %q", r.Reason, c.why)
				}
			})
		})
	}
}
