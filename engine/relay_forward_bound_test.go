package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A verify is held to a create that passed unrecorded: with another amount it hears so and
// settles nothing, before the create is read in and after.
func TestForwardedOtherAmount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := forwardWorld(t)
		defer w.halt()
		w.store.Break(payment.ErrBroken)
		w.call("create", "", w.forwards(payment.RelayCreate))
		all := func(string) bool { return true }
		if rec := engine.ForwardedCreate(w.log, "K1", all); rec == nil || rec.Relay.Callback == "" && rec.Return == nil && rec.Relay.Number == 0 {
			t.Fatalf("the create is not known: %+v", rec)
		}
		if engine.ForwardedCreate(w.log, "K1", func(string) bool { return false }) != nil {
			t.Error("another account's create is taken for it")
		}
		told := ""
		var failed error
		w.call("verify", "K1", func(c *engine.Relay) {
			c.Ask.Kind, c.Ask.Number = payment.RelayVerify, c.Ask.Number+1
			call := *c
			c.Down = func(_ error, made *payment.RelayReply) {
				call.Say = func(r payment.RelayReply) bool { told = string(r.Body); return true }
				failed = engine.PassThrough(context.Background(), w.gate, w.log, call, made)
			}
		})
		if settled, _ := w.gate.became(); settled || engine.ForwardEvent(failed) != engine.EventRelayAmount {
			t.Errorf("settled %v, told %q, %v", settled, told, failed)
		}
		w.store.Break(nil)
		time.Sleep(20 * time.Second)
		if r := w.only(); r.State != payment.Created {
			t.Errorf("it is %s (%s)", r.State, r.Reason)
		}
		if engine.ForwardedCreate(w.log, "K1", all) != nil {
			t.Error("it is held twice")
		}
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Errorf("the true one hears %+v", h)
		}
	})
}
