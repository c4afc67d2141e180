package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// uninquired can be relayed, and not be asked without settling.
type uninquired struct{ payment.Relayer }

// A relayed payment whose return a verify route takes is looked after like any other: who has
// paid and stays away is asked about and handed over, whether the provider can be inquired of
// or not, and whether the shop's plugin asks in the hand-over, asked before and heard nothing,
// or heard "first" from a job. "First" is said once, and nobody who has heard it is handed
// the payment.
func TestAVerifyRouteLooksAfterRelayedPayments(t *testing.T) {
	for _, canInquire := range []bool{true, false} {
		for _, asks := range []string{"never", "in the hand-over", "before, unheard", "before, heard", "after"} {
			t.Run(fmt.Sprintf("inquires %v, asks %s", canInquire, asks), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newRelayWorld(t, func(w *relayWorld) {
						w.sites.settles.Store(true)
						if !canInquire {
							w.listing = uninquired{w.gate}
						}
						w.shop.policy = engine.Policy{Once: true}
						w.sites.policy = w.shop.policy
					})
					defer w.halt()
					firsts := 0
					ask := func(change ...func(*engine.Relay)) {
						if isFirst(w.call("verify", "K1", change...)) {
							firsts++
						}
					}
					w.sites.hand = func(*payment.Record) engine.Handed {
						if asks == "in the hand-over" {
							ask()
							return engine.Handed{Acked: true, IfHeard: true, Status: 200}
						}
						return engine.Handed{Acked: true, Status: 200}
					}
					w.call("create", "")
					switch asks {
					case "before, unheard":
						w.call("verify", "K1", unheard)
					case "before, heard":
						ask()
					}
					time.Sleep(20 * time.Minute)
					if asks == "after" {
						ask()
					}
					r := w.only()
					handed, want, first := w.sites.count(), 1, 0
					switch asks {
					case "before, heard":
						want, first = 0, 1
					case "in the hand-over":
						first = 1
					}
					if r.State != payment.Delivered || handed != want || firsts != first {
						t.Errorf("it is %s (%s), handed over %d times, \"first\" was heard %d times; want %d and %d", r.State, r.Reason, handed, firsts, want, first)
					}
				})
			})
		}
	}
}

// A return that a verify route admitted while nobody could be asked is asked about by the
// worker, also where the route has gone meanwhile. What nobody paid is asked about as often as
// without a relay, and forgotten when its link has ended.
func TestAnAdmittedRelayedReturnIsAskedAbout(t *testing.T) {
	for _, gone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, func(w *relayWorld) { w.sites.settles.Store(true) })
			defer w.halt()
			w.sites.hand = func(*payment.Record) engine.Handed { return engine.Handed{Acked: true, Status: 200} }
			w.call("create", "")
			r := w.only()
			r.Return.Arrived, r.Return.By, r.Reason, r.Due = time.Now(), nil, payment.ReasonWaiting, time.Now().Add(5*time.Second)
			if err := w.store.Commit(context.Background(), payment.Change{Record: r}); err != nil {
				t.Fatal(err)
			}
			w.sites.settles.Store(!gone)
			time.Sleep(5 * time.Minute)
			if r := w.only(); r.State != payment.Delivered || w.sites.count() != 1 {
				t.Errorf("gone %v: it is %s (%s), handed over %d times", gone, r.State, r.Reason, w.sites.count())
			}
		})
	}
}
