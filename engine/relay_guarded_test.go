package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// A provider's module that panics costs the shop an answer and nothing else: no lane is
// kept, no wish stays without an end, and the next call goes through.
func TestRelayPanics(t *testing.T) {
	for kind, calls := range map[string]int{"create": 200, "verify": 1, "reverse": 1, "list": 200} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				if kind != "create" {
					w.call("create", "")
				}
				w.gate.says(func(string) payment.RelayReply { panic("a provider's module") })
				for range calls {
					if h := w.call(kind, "K1"); !h.broke {
						t.Fatalf("%+v", h)
					}
				}
				w.gate.says(nil)
				time.Sleep(time.Minute)
				want := map[string]string{"create": "K1", "list": "raw"}[kind]
				if h := w.call(kind, "K1"); want != "" && h.body != want {
					t.Errorf("afterwards: %+v", h)
				}
				if kind == "verify" && !isFirst(w.call("verify", "K1")) && w.only().State != payment.Delivered {
					t.Errorf("%s", w.only().State)
				}
			})
		})
	}
}

// The same while the ledger is away: a call that passes is marked to its end.
func TestForwardPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := forwardWorld(t)
		defer w.halt()
		w.call("create", "")
		w.store.Break(payment.ErrBroken)
		w.gate.says(func(string) payment.RelayReply { panic("a provider's module") })
		if h := w.call("verify", "K1", w.forwards(payment.RelayVerify)); !h.broke {
			t.Fatalf("%+v", h)
		}
		w.gate.says(nil)
		w.store.Break(nil)
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Errorf("afterwards: %+v", h)
		}
	})
}
