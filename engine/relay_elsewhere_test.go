package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Shops of one account, each with a relay under its own address: a shop gives back, and hears,
// nothing of another's payment, whatever became of that. Where a call doesn't tell whose it
// is, and under a former name of its site, all goes on as before.
func TestRelayOfAnothersPayment(t *testing.T) {
	own := func(c *engine.Relay) { c.Bound = true }
	other := func(c *engine.Relay) { c.Site, c.Bound = "other", true }
	for name, c := range map[string]struct {
		who     func(*engine.Relay)
		foreign bool
	}{
		"its own":              {own, false},
		"another's":            {other, true},
		"a former name's":      {func(c *engine.Relay) { c.Site, c.Bound, c.Formerly = "new", true, []string{"shop"} }, false},
		"of no site's address": {func(c *engine.Relay) { c.Site = "other" }, false},
		"another former name":  {func(c *engine.Relay) { c.Site, c.Bound, c.Formerly = "new", true, []string{"old"} }, true},
	} {
		for _, kind := range []string{"inquire", "reverse"} {
			for _, verified := range []bool{false, true} {
				t.Run(fmt.Sprint(name, kind, verified), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newRelayWorld(t, rarely)
						defer w.halt()
						w.call("create", "")
						if verified {
							w.call("verify", "K1", own)
						}
						before, calls := w.only(), w.gate.calls
						h := w.call(kind, "K1", c.who)
						if foreign := h.body == "no such payment"; foreign != c.foreign || h.broke {
							t.Fatalf("it hears %+v", h)
						}
						if (w.gate.calls == calls) != c.foreign || w.gate.back != (kind == "reverse" && !c.foreign) {
							t.Errorf("%d calls, given back: %v", w.gate.calls-calls, w.gate.back)
						}
						if got := w.events.alerts(engine.EventForeign); (got == 1) != c.foreign {
							t.Errorf("%d events", got)
						}
						if rec := w.only(); c.foreign && rec.Version != before.Version {
							t.Errorf("it changed: %s %s", rec.State, rec.Reason)
						}
						if h := w.call(kind, "K9", other); h.body == "no such payment" {
							t.Errorf("of a payment that nobody knows it hears %+v", h)
						}
					})
				})
			}
		}
	}
}

// What another shop has not heard of yet is put into no list of this shop's.
func TestRelayListsAreNotAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		masking := new(maskGate)
		w := newRelayWorld(t, rarely, func(w *relayWorld) { masking.relayBank, w.listing = w.gate, masking })
		defer w.halt()
		w.call("create", "")
		w.call("verify", "K1", unheard)
		for name, c := range map[string]struct {
			who  func(*engine.Relay)
			want string
		}{
			"its own":      {func(c *engine.Relay) { c.Bound = true }, "[K1]"},
			"another's":    {func(c *engine.Relay) { c.Site, c.Bound = "other", true }, "raw"},
			"no site's":    {func(c *engine.Relay) { c.Site = "other" }, "[K1]"},
			"a new name's": {func(c *engine.Relay) { c.Site, c.Bound, c.Formerly = "new", true, []string{"shop"} }, "[K1]"},
		} {
			if h := w.call("list", "", c.who); h.body != c.want {
				t.Errorf("%s: %+v", name, h)
			}
		}
	})
}

// maskGate lists by every harmless call what it is told to mask.
type maskGate struct{ *relayBank }

func (maskGate) Lists(payment.RelayCall) bool { return true }

func (maskGate) Mask(_ payment.RelayReply, unheard []*payment.Record) payment.RelayReply {
	var ids []string
	for _, rec := range unheard {
		ids = append(ids, rec.ID)
	}
	return payment.RelayReply{Status: 200, Body: fmt.Append(nil, ids)}
}
