package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// asksInItsReturn is a shop whose plugin asks for a payment when its customer comes back.
func (w *relayWorld) asksInItsReturn() {
	w.sites.visited(func(r *payment.Record) engine.Replayed {
		h := w.call("verify", r.ID)
		return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
	})
}

// A route that is missing for a while loses no payment: it is healed soon after the route is back,
// by a reload as by a restart. Meanwhile nobody is asked, and the ledger has little to write.
func TestARouteThatIsMissingForAWhile(t *testing.T) {
	const day = 24 * time.Hour
	for _, gap := range []time.Duration{time.Second, time.Minute, 2 * time.Minute, 9 * time.Minute, 50 * time.Minute, 3 * time.Hour, 23 * time.Hour, 5 * day, 29 * day} {
		for _, settled := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				if settled && gap > day {
					continue // a person has long been told
				}
				t.Run(fmt.Sprintf("%s, settled %v, restart %v", gap, settled, restart), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newRelayWorld(t, func(w *relayWorld) {
							w.sites.rescue, w.tick = true, 5*time.Second
							if gap >= day {
								w.tick = 10 * time.Minute
							}
						})
						defer func() { w.halt() }()
						w.asksInItsReturn()
						w.call("create", "")
						if settled {
							w.call("verify", "K1", unheard)
						}
						w.sites.isAway(true)
						_, before := w.gate.became()
						version := w.only().Version
						time.Sleep(gap)
						r := w.only()
						if _, asked := w.gate.became(); asked != before || w.sites.seen() != 0 {
							t.Errorf("while it was missing the gateway was asked %d times, %d returns were made", asked-before, w.sites.seen())
						}
						if most := 3 + min(gap, time.Hour)/time.Minute + min(gap, day)/time.Hour + 100*min(gap/day, 1); !settled && r.Version-version > uint64(most) {
							t.Errorf("it was written %d times, want at most %d", r.Version-version, most)
						}
						if settled && gap >= 2*time.Minute && (r.State != payment.Verified || !r.NeedsPerson() || w.events.alerts(engine.EventMissed) != 1) {
							t.Errorf("while it waits it is %s (%s), with %d alerts", r.State, r.Reason, w.events.alerts(engine.EventMissed))
						}
						if restart {
							w.halt() // before: a return that begins in this instant would be cut off
						}
						w.sites.isAway(false)
						if restart {
							w.run(w.store.Restart())
						}
						// Its look, the customer's minute, and the worker's own pace.
						soon := max(min(gap, time.Hour), time.Minute) + 3*time.Minute
						if gap > day {
							soon = gap/24 + time.Hour
						}
						time.Sleep(soon)
						if r := w.only(); r.State != payment.Delivered || r.Reason != "" || w.sites.seen() != 1 {
							t.Errorf("%s after the route is back it is %s (%s), %d returns were made", soon, r.State, r.Reason, w.sites.seen())
						}
					})
				})
			}
		}
	}
}

// A payment that no route will ever take again costs few looks, and is forgotten like any other;
// one whose owner wrote `rescue off`, or that never had a route, costs none.
func TestARouteThatStaysAway(t *testing.T) {
	for name, c := range map[string]struct {
		away, routed bool
		most         uint64
	}{"gone": {true, true, 200}, "rescue off": {false, true, 3}, "never one": {true, false, 3}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.tick = 10 * time.Minute })
				defer w.halt()
				w.sites.isAway(c.away)
				w.call("create", "", func(r *engine.Relay) {
					if !c.routed {
						r.Route, r.Return = "", nil
					}
				})
				version := w.only().Version
				time.Sleep(29 * 24 * time.Hour)
				if got := w.only().Version - version; got > c.most || c.away && c.routed && got < 20 {
					t.Errorf("written %d times", got)
				}
				if _, asked := w.gate.became(); asked != 0 || w.sites.seen() != 0 {
					t.Errorf("asked %d times, %d returns", asked, w.sites.seen())
				}
				time.Sleep(4 * 24 * time.Hour)
				if page, err := w.store.List(t.Context(), payment.Listing{}); err != nil || len(page.Records) != 0 {
					t.Errorf("%d records are left, %v", len(page.Records), err)
				}
			})
		})
	}
}

// What is only listed waits for its route, too: its one question is kept until then. After an hour
// a person is told, and its return is made all the same when the route is back.
func TestAListedPaymentWaitsForItsRoute(t *testing.T) {
	for _, relayed := range []bool{false, true} {
		for _, gap := range []time.Duration{time.Minute, 2 * time.Minute, 11 * time.Minute, 55 * time.Minute, 3 * time.Hour, 30 * time.Hour} {
			t.Run(fmt.Sprintf("%s, relayed %v", gap, relayed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					shop := &listedShop{known: true, back: engine.Back{
						Site: "shop", Route: "/cb zarinpal", Observed: true, Relayed: relayed,
						Return: &payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"},
					}}
					w := newRelayWorld(t, func(w *relayWorld) {
						w.sites.rescue = true
						shop.plugins = w.sites
						w.listing = &listingGate{w.gate, func() []payment.Pending {
							if settled, _ := w.gate.became(); settled {
								return nil
							}
							return []payment.Pending{{ID: "K1", Callback: "https://shop.test/cb?o=101"}}
						}}
						w.recovers = shop
					})
					defer w.halt()
					w.sites.isAway(true) // the list is looked at by the provider's name
					w.asksInItsReturn()
					if !relayed {
						w.sites.visited(func(*payment.Record) engine.Replayed {
							w.verifiesBeside()
							return engine.Replayed{Taken: true, Page: payment.PageGood}
						})
					}
					for range 600 { // until it is brought back
						time.Sleep(time.Second)
						if page, _ := w.store.List(t.Context(), payment.Listing{}); len(page.Records) > 0 {
							break
						}
					}
					time.Sleep(time.Until(w.only().CreatedAt.Add(gap)))
					if _, asked := w.gate.became(); asked > 8 {
						t.Errorf("asked %d times", asked)
					}
					if told := w.events.alerts(engine.EventUnclaimed); !relayed && (told == 1) != (gap > 2*time.Hour) {
						t.Errorf("a person was told %d times", told)
					}
					w.sites.isAway(false)
					time.Sleep(min(gap+12*time.Minute, time.Hour) + gap/24 + 3*time.Minute) // the engine runs for longer
					if r := w.only(); r.State != payment.Delivered || w.sites.seen() != 1 {
						t.Errorf("it is %s (%s), %d returns were made", r.State, r.Reason, w.sites.seen())
					}
				})
			})
		}
	}
}

// A verify route that is missing for a while is awaited as well, by what was never asked about and
// by what its gateway has refused once, whether that can be inquired of or not.
func TestAVerifyRouteThatIsMissingForAWhile(t *testing.T) {
	for _, gap := range []time.Duration{time.Second, 2 * time.Minute, 20 * time.Minute, 7 * time.Hour} {
		for _, canInquire := range []bool{true, false} {
			for _, refused := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, inquires %v, refused %v", gap, canInquire, refused), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newRelayWorld(t, func(w *relayWorld) {
							w.sites.settles.Store(true)
							if !canInquire {
								w.listing = uninquired{w.gate}
							}
						})
						defer w.halt()
						w.sites.hand = func(*payment.Record) engine.Handed { return engine.Handed{Acked: true, Status: 200} }
						w.call("create", "")
						if refused {
							r := w.only()
							r.State, r.Reason, r.Due = payment.Declined, payment.ReasonNotPaid, time.Now().Add(30*time.Second)
							r.Return.Arrived, r.Attempts.Claimed = time.Now(), true
							if err := w.store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
								t.Fatal(err)
							}
						}
						w.sites.isAway(true)
						w.sites.settles.Store(false)
						time.Sleep(gap)
						w.sites.isAway(false)
						w.sites.settles.Store(true)
						time.Sleep(max(min(gap, time.Hour), 4*time.Minute) + 2*time.Minute)
						if r := w.only(); r.State != payment.Delivered || w.sites.count() != 1 {
							t.Errorf("it is %s (%s), handed over %d times", r.State, r.Reason, w.sites.count())
						}
					})
				})
			}
		}
	}
}
