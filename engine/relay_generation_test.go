package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// A ledger that was put back may have forgotten that the shop heard "first": it isn't
// said again, neither to an ask nor by a return that we make, until a person says so.
func TestRelayAfterTheLedgerWasPutBack(t *testing.T) {
	for name, asks := range map[string]bool{"the shop asks": true, "nobody asks": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				w.call("create", "")
				w.call("verify", "K1", unheard)
				if r := w.only(); r.State != payment.Verified {
					t.Fatal(r.State)
				}
				w.store.Renew()
				if asks {
					if h := w.call("verify", "K1"); isFirst(h) {
						t.Errorf("it may have been heard: %+v", h)
					}
				} else {
					time.Sleep(10 * time.Minute)
				}
				r := w.only()
				if r.State != payment.Parked || r.Reason != payment.ReasonOldGeneration {
					t.Fatalf("%s (%s)", r.State, r.Reason)
				}
				if _, err := w.Decide(context.Background(), r.Ref, r.Version, payment.DecideRedeliver, payment.Note{By: "test", Text: "not credited"}); err != nil {
					t.Fatal(err)
				}
				if h := w.call("verify", "K1"); !isFirst(h) {
					t.Errorf("a person said so: %+v", h)
				}
				if h := w.call("verify", "K1"); isFirst(h) {
					t.Error("it was said twice")
				}
			})
		})
	}
}
