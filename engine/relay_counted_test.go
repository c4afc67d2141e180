package engine_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// counts are how often a counted event came with an outcome.
func (o *events) counts(name, outcome string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.list {
		if x.Name == name && x.Outcome == outcome {
			n++
		}
	}
	return n
}

// A relayed payment is counted as a checkout's is: its create, its verify, and once
// what came of telling the shop.
func TestRelayCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		w.call("verify", "K1")
		w.call("verify", "K1")
		for name, outcome := range map[string]string{
			engine.EventStarting: engine.CreateOK, engine.EventAsked: engine.VerifyPaid,
			engine.EventCounted: engine.VerifyPaid, engine.EventHanded: engine.DeliveryAcked,
		} {
			if n := w.events.counts(name, outcome); n != 1 {
				t.Errorf("%s %s: %d times", name, outcome, n)
			}
		}
	})
}

// A create that makes nothing is counted by what kept it from being made.
func TestRelayCountedCreates(t *testing.T) {
	for name, c := range map[string]struct {
		reply   payment.RelayReply
		outcome string
	}{
		"no answer":    {payment.RelayReply{Err: errors.New("reset")}, engine.CreateUnreachable},
		"an error":     {payment.RelayReply{Status: 500}, engine.CreateUnreachable},
		"too many":     {payment.RelayReply{Status: 429}, engine.CreateUnreachable},
		"our key":      {payment.RelayReply{Status: 401}, engine.CreateOperator},
		"a refusal":    {payment.RelayReply{Status: 422}, engine.CreateRefused},
		"not an error": {payment.RelayReply{Status: 201}, engine.CreateRefused},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				w.gate.says(func(string) payment.RelayReply { return c.reply })
				w.call("create", "")
				if n := w.events.counts(engine.EventStarting, c.outcome); n != 1 {
					t.Errorf("not counted as %s", c.outcome)
				}
			})
		})
	}
}

// What a shop refused, or died over, is counted once, too.
func TestRelayCountedPages(t *testing.T) {
	for said, outcome := range map[payment.ShopPage]string{
		payment.PageGood: engine.DeliveryAcked, payment.PageRefused: engine.DeliveryRefused, payment.PageBad: engine.DeliveryUnacked,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t)
			defer w.halt()
			w.call("create", "")
			ref := w.only().Ref
			at, err := w.RelayReturn(t.Context(), ref, payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}, 0)
			if err != nil {
				t.Fatal(err)
			}
			w.call("verify", "K1")
			w.RelayPage(t.Context(), ref, at, said)
			w.RelayPage(t.Context(), ref, at, said)
			if n := w.events.counts(engine.EventHanded, outcome); n != 1 {
				t.Errorf("%s: %d times", outcome, n)
			}
		})
	}
}
