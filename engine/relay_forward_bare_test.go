package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// While the ledger was away, the first answer was lost and the second ask heard "already
// verified": it is healed, whether that answer names the payment's amount or is bare
// (Zibal).
func TestForwardedLostThenAgain(t *testing.T) {
	for name, makes := range map[string]func(w *relayWorld){"full": func(w *relayWorld) {}, "bare": bare} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				makes(w)
				w.gate.lose = 1
				w.store.Break(payment.ErrBroken)
				verify := w.forwards(payment.RelayVerify)
				if h := w.call("verify", "K1", verify); !h.broke {
					t.Errorf("%+v", h)
				}
				if h := w.call("verify", "K1", verify); h.broke || isFirst(h) {
					t.Errorf("%+v", h)
				}
				w.store.Break(nil)
				time.Sleep(20 * time.Second)
				w.wantState(w.only().Ref, payment.Verified)
				if h := w.call("verify", "K1"); !isFirst(h) {
					t.Errorf("the next ask hears %+v", h)
				}
			})
		})
	}
}
