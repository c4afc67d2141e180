package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A return in which we ourselves kept the plugin from asking says nothing of the plugin: the route
// isn't marked, the return is made again, eight times at most, and the next payment is healed. A
// call of another shop excuses nothing.
func TestARefusedCallMarksNoRoute(t *testing.T) {
	const most = 8
	for name, c := range map[string]struct {
		meets   func(w *relayWorld) engine.Replayed
		excuses bool
	}{
		"its site's relay refuses": {func(w *relayWorld) engine.Replayed {
			w.RelayRefused("shop")
			return engine.Replayed{Taken: true, Page: payment.PageGood}
		}, true},
		"its site's relay, which was renamed, refuses": {func(w *relayWorld) engine.Replayed {
			w.RelayRefused("new", "shop")
			return engine.Replayed{Taken: true, Page: payment.PageBad}
		}, true},
		"a relay of all sites refuses": {func(w *relayWorld) engine.Replayed {
			w.RelayRefused()
			return engine.Replayed{Taken: true, Page: payment.PageBad}
		}, true},
		"its relay has another address now": {func(*relayWorld) engine.Replayed {
			return engine.Replayed{Taken: true, Moved: true, Page: payment.PageBad}
		}, true},
		"another site's relay refuses": {func(w *relayWorld) engine.Replayed {
			w.RelayRefused("other")
			return engine.Replayed{Taken: true, Page: payment.PageBad}
		}, false},
		"nobody asks": {func(*relayWorld) engine.Replayed {
			return engine.Replayed{Taken: true, Page: payment.PageBad}
		}, false},
	} {
		for _, settled := range []bool{false, true} {
			for _, n := range []int{0, 1, 2, most - 1, most, 100} {
				t.Run(fmt.Sprintf("%s %d times, settled %v", name, n, settled), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue, w.tick = true, 10*time.Second })
						defer w.halt()
						w.manyCreates()
						met := 0
						w.sites.visited(func(r *payment.Record) engine.Replayed {
							if met < n {
								met++
								return c.meets(w)
							}
							h := w.call("verify", r.ID)
							return engine.Replayed{Taken: true, Moved: n == 1, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
						})
						w.RelayRefused("shop") // before a return is made it excuses none
						w.call("create", "", func(c *engine.Relay) { c.Call.Body = []byte("create") })
						first := w.only()
						if settled {
							w.call("verify", first.ID, unheard)
						}
						time.Sleep(20 * time.Hour)
						r := w.record(first.Ref)
						marked, visits := !c.excuses && n > 0, min(n+1, most)
						if marked {
							visits = 1
						}
						healed := !marked && n < most
						if (r.State == payment.Delivered) != healed || w.sites.seen() != visits || w.NeedsSession(r) != marked {
							t.Fatalf("it is %s (%s) after %d returns, marked %v; want %d returns, marked %v", r.State, r.Reason, w.sites.seen(), w.NeedsSession(r), visits, marked)
						}
						if got := w.events.alerts(engine.EventNeedsSession); (got == 1) != marked {
							t.Errorf("%d alerts of a session", got)
						}
						met = n
						w.call("create", "", func(c *engine.Relay) { c.Call.Body, c.Ask.Order = []byte("create"), "102" })
						time.Sleep(2 * time.Hour)
						page, err := w.store.List(t.Context(), payment.Listing{ID: "K2"})
						if err != nil || len(page.Records) != 1 || (page.Records[0].State == payment.Delivered) != !marked {
							t.Errorf("the next payment: %v, %v", page.Records, err)
						}
					})
				})
			}
		}
	}
}

// What a record remembers of the address to which its shop's call came is that of the call that
// began it, be that a create or an ask.
func TestARecordKnowsTheRelayOfItsCreate(t *testing.T) {
	through := func(s string) func(*engine.Relay) { return func(c *engine.Relay) { c.Through = s } }
	for _, first := range []string{"create", "verify"} {
		for _, came := range []string{"", "0a1b2c3d"} {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				w.call(first, map[string]string{"verify": "K1"}[first], through(came))
				w.call("verify", "K1", through("ffffffff"))
				if got := w.only().Relay.Through; got != came {
					t.Errorf("%s through %q: it remembers %q", first, came, got)
				}
			})
		}
	}
}
