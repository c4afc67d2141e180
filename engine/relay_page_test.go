package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// returned makes a payment whose customer has come back to the shop's page.
func (w *relayWorld) returned() (ref payment.Ref, ret payment.Return, at time.Time) {
	w.t.Helper()
	w.call("create", "")
	ref, ret = w.only().Ref, payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}
	at, err := w.RelayReturn(context.Background(), ref, ret, time.Second)
	if err != nil || at.IsZero() {
		w.t.Fatal(at, err)
	}
	return ref, ret, at
}

// The plugin gives up, and its page begins and ends while the provider still works: what
// the provider says then is kept all the same, and the next ask hears its very bytes.
func TestRelayPageBesideAnAnswer(t *testing.T) {
	for name, pages := range map[string]int{"its own page": 1, "and a reload": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.gate.took = 5 * time.Second })
				defer w.halt()
				ref, ret, at := w.returned()
				asked := make(chan heard)
				go func() { asked <- w.call("verify", "K1", unheard) }()
				for range pages {
					time.Sleep(time.Second)
					w.RelayPage(context.Background(), ref, at, payment.PageRefused)
					at, _ = w.RelayReturn(context.Background(), ref, ret, time.Second)
				}
				<-asked
				r := w.only()
				if r.State != payment.Verified || r.Relay.Kept == nil || r.Attempts.Unknown != 0 {
					t.Fatalf("what the provider said is lost: %s, %d unknown", r.State, r.Attempts.Unknown)
				}
				w.RelayPage(context.Background(), ref, at, payment.PageRefused)
				if h := w.call("verify", "K1"); !isFirst(h) {
					t.Errorf("the next ask heard %+v", h)
				}
			})
		})
	}
}

// A page that ends while the ledger refuses ends all the same: the next return doesn't wait
// for it, and proves what the shop has done.
func TestRelayPageThatEndsUnrecorded(t *testing.T) {
	for name, reloads := range map[string]bool{"the customer reloads": true, "nobody comes": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.gate.took = time.Second })
				defer w.halt()
				ref, ret, at := w.returned()
				w.store.Break(payment.ErrBroken)
				w.RelayPage(context.Background(), ref, at, payment.PageRefused)
				time.Sleep(5 * time.Second)
				w.store.Break(nil)
				if reloads {
					began := time.Now()
					var err error
					at, err = w.RelayReturn(context.Background(), ref, ret, 10*time.Second)
					if err != nil || at.IsZero() || time.Since(began) > time.Second {
						t.Fatalf("the next return is not seen, after %s: %v", time.Since(began), err)
					}
					if h := w.call("verify", "K1"); !isFirst(h) {
						t.Fatalf("%+v", h)
					}
					w.RelayPage(context.Background(), ref, at, payment.PageGood)
				} else if h := w.call("verify", "K1"); !isFirst(h) {
					t.Fatalf("%+v", h)
				}
				time.Sleep(20 * time.Minute)
				if r := w.only(); reloads && r.State != payment.Delivered || r.Relay.Page == payment.PageOpen {
					t.Errorf("it is %s (%s), its page %s", r.State, r.Reason, r.Relay.Page)
				}
			})
		})
	}
}
