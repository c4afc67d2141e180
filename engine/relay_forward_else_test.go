package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// passed makes a verify while no ledger is open at all, and returns what it was told and
// why it was not passed on.
func (w *relayWorld) passed(change ...func(*engine.Relay)) (told string, why error) {
	c := engine.Relay{
		Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", Policy: engine.Policy{Once: true, Many: true},
		Call:  payment.RelayCall{Path: "verify"},
		Ask:   payment.RelayAsk{Kind: payment.RelayVerify, ID: "K1", Number: 5000},
		Say:   func(r payment.RelayReply) bool { told = string(r.Body); return true },
		Break: func() { told = "nothing" },
	}
	for _, f := range change {
		f(&c)
	}
	why = engine.PassThrough(context.Background(), w.gate, w.log, c, nil)
	return told, why
}

func bound(site string) func(*engine.Relay) {
	return func(c *engine.Relay) { c.Site, c.Bound = site, true }
}

// A verify under one shop's own address is held to a create that passed unrecorded for
// another: it settles nothing. Under the shop's own, or a former name of it, it passes.
func TestForwardedOtherSite(t *testing.T) {
	for name, c := range map[string]struct {
		by      func(*engine.Relay)
		foreign bool
	}{
		"another shop":        {bound("other"), true},
		"the same shop":       {bound("shop"), false},
		"under another name":  {func(c *engine.Relay) { c.Site, c.Bound, c.Formerly = "new", true, []string{"shop"} }, false},
		"on a port for all":   {func(c *engine.Relay) { c.Site = "other" }, false},
		"another, other name": {func(c *engine.Relay) { c.Site, c.Bound, c.Formerly = "other", true, []string{"older"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.store.Break(payment.ErrBroken)
				w.call("create", "", w.forwards(payment.RelayCreate))
				told, why := w.passed(c.by)
				settled, _ := w.gate.became()
				if settled == c.foreign || (told == "other amount") != c.foreign {
					t.Errorf("settled %v, told %q, %v", settled, told, why)
				}
				if c.foreign && engine.ForwardEvent(why) != engine.EventForeign {
					t.Errorf("its event is %s: %v", engine.ForwardEvent(why), why)
				}
				w.store.Break(nil)
				time.Sleep(20 * time.Second)
				if want := map[bool]payment.State{true: payment.Created, false: payment.Delivered}[c.foreign]; w.only().State != want {
					t.Errorf("it is %s (%s), not %s", w.only().State, w.only().Reason, want)
				}
				if h := w.call("verify", "K1", bound("shop")); isFirst(h) != c.foreign {
					t.Errorf("its own shop hears %+v", h)
				}
			})
		})
	}
}

// A create is on record, and a verify with another amount passes while the ledger is
// away. Where the provider refused it, it says nothing of the payment. Where the
// provider took it for paid, the shop may have credited: nobody tells it again, and
// the payment is on record.
func TestForwardedOtherAmountOfARecordedCreate(t *testing.T) {
	for name, c := range map[string]struct {
		say     string
		unheard bool
		settled bool
	}{
		"refused":         {`{"code":-50,}`, false, false},
		"not paid":        {`{"code":-51,"x":0}`, false, false},
		"paid":            {`{"code":100,"x":0}`, false, true},
		"paid, not heard": {`{"code":100,"x":0}`, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				w.store.Break(payment.ErrBroken)
				w.gate.says(func(string) payment.RelayReply { return payment.RelayReply{Status: 200, Body: []byte(c.say)} })
				change := []func(*engine.Relay){amount(5001)}
				if c.unheard {
					change = append(change, unheard)
				}
				if told, why := w.passed(change...); told != c.say || why != nil {
					t.Fatalf("it is told %q, %v", told, why)
				}
				w.gate.says(nil)
				w.store.Break(nil)
				time.Sleep(20 * time.Second)
				r := w.only()
				if w.log.Any() {
					t.Error("the file is still there")
				}
				if !c.settled {
					if r.State != payment.Created || r.Attempts.Count != 0 || w.events.count(engine.EventRelayAmount) != 1 {
						t.Errorf("it is %s (%s) after %d attempts", r.State, r.Reason, r.Attempts.Count)
					}
					if h := w.call("verify", "K1"); !isFirst(h) {
						t.Errorf("the true ask hears %+v", h)
					}
					return
				}
				if !r.State.Captured() && r.State != payment.Review {
					t.Errorf("it is %s (%s)", r.State, r.Reason)
				}
				if h := w.call("verify", "K1"); isFirst(h) != c.unheard {
					t.Errorf("it is %s (%s), and the next ask hears %+v", r.State, r.Reason, h)
				}
			})
		})
	}
}
