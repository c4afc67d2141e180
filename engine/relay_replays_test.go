package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// manyCreates lets each create of a world make a payment of its own, K1 to Kn.
func (w *relayWorld) manyCreates() {
	w.bank.unmarked = true
	next := 0
	w.gate.says(func(body string) payment.RelayReply {
		if body == "create" {
			next++
			return payment.RelayReply{Status: 200, Body: fmt.Appendf(nil, "K%d", next)}
		}
		return payment.RelayReply{Status: 200, Body: []byte(`{"code":100,}`)}
	})
}

// A site's returns are made two at a time, however many customers stay away: PHP has few
// workers, and its customers need them. Another site doesn't wait for it.
func TestReplaysAreFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
		defer w.halt()
		w.manyCreates()
		var mu sync.Mutex
		running, most, seen := map[string]int{}, map[string]int{}, map[string]int{}
		beside := false
		w.sites.visited(func(r *payment.Record) engine.Replayed {
			mu.Lock()
			running[r.Site]++
			seen[r.ID]++
			most[r.Site] = max(most[r.Site], running[r.Site])
			beside = beside || running["shop"] > 0 && running["other"] > 0
			mu.Unlock()
			time.Sleep(10 * time.Second)
			h := w.call("verify", r.ID, func(c *engine.Relay) { c.Site = r.Site })
			mu.Lock()
			running[r.Site]--
			mu.Unlock()
			return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
		})
		const each = 9
		for n := range 2 * each {
			site := []string{"shop", "other"}[n%2]
			w.call("create", "", func(c *engine.Relay) { c.Site, c.Call.Body, c.Ask.Order = site, []byte("create"), fmt.Sprint(n) })
		}
		time.Sleep(2 * time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if most["shop"] != 2 || most["other"] != 2 || !beside {
			t.Errorf("at most %v returns at a time; the sites beside each other: %v", most, beside)
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("the return of %s was made %d times", id, n)
			}
		}
		page, err := w.store.List(context.Background(), payment.Listing{})
		if err != nil || len(page.Records) != 2*each || slices.ContainsFunc(page.Records, func(r *payment.Record) bool { return r.State != payment.Delivered }) {
			t.Errorf("%d records, %v", len(page.Records), err)
		}
	})
}

// A pay link is good for days, and its payment is known as long: what is paid shortly
// before its end is compared with its create, and what nobody paid is forgotten after it.
func TestAPayLinksPaymentIsKnownToItsEnd(t *testing.T) {
	const link = 30 * 24 * time.Hour
	for _, c := range []struct {
		after time.Duration
		known bool
	}{{time.Hour, true}, {25 * time.Hour, true}, {link - time.Hour, true}, {link + 2*time.Hour, false}, {3 * link, false}} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, rarely)
			defer w.halt()
			w.call("create", "")
			time.Sleep(c.after)
			page, err := w.store.List(context.Background(), payment.Listing{})
			if err != nil || (len(page.Records) == 1) != c.known {
				t.Fatalf("after %s there are %d records, %v", c.after, len(page.Records), err)
			}
			if h := w.call("verify", "K1", amount(1)); c.known != (h.body == "other amount") {
				t.Errorf("after %s another amount hears %+v", c.after, h)
			}
			if h := w.call("verify", "K1"); c.known && !strings.Contains(h.body, ":100,") {
				t.Errorf("after %s the shop hears %+v", c.after, h)
			}
		})
	}
}

// What verify needs may come with the customer alone. Then no return is made before the
// shop has asked: it would only fail, and many plugins give such an order up for good.
func TestNoReturnIsMadeThatProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue, w.bank.traits.ProvesInReturn = true, true })
		defer w.halt()
		w.sites.visited(func(*payment.Record) engine.Replayed { return engine.Replayed{Taken: true, Page: payment.PageBad} })
		w.call("create", "")
		time.Sleep(2 * time.Hour)
		if r := w.only(); w.sites.seen() != 0 || r.State != payment.Created || w.NeedsSession(r) {
			t.Errorf("%d returns were made; it is %s", w.sites.seen(), r.State)
		}
		// What the shop has settled, and has not heard of, is told by its own return.
		w.sites.visited(func(*payment.Record) engine.Replayed {
			h := w.call("verify", "K1")
			return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
		})
		w.call("verify", "K1", unheard)
		time.Sleep(time.Hour)
		if r := w.only(); r.State != payment.Delivered || w.sites.seen() != 1 {
			t.Errorf("%d returns were made; it is %s (%s)", w.sites.seen(), r.State, r.Reason)
		}
	})
}

// How the first customer came is kept: a return that is made again is made so.
func TestHowACustomerCameIsKept(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t)
			defer w.halt()
			w.call("create", "")
			ref := w.only().Ref
			for _, m := range []string{method, "GET", "POST"} {
				at, err := w.RelayReturn(context.Background(), ref, payment.Return{Method: m, URI: "/cb?o=101"}, time.Second)
				if err != nil || at.IsZero() {
					t.Fatal(at, err)
				}
				w.RelayPage(context.Background(), ref, at, payment.PageBad)
			}
			if got := w.record(ref).Return; got.Method != method || got.URI != "/cb?o=101" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A shop that is down says nothing of its plugin: however it shows that, its route isn't marked,
// and a return is made again until the shop is well, eight times at most. A customer who pays
// when the shop is well again is handed over.
func TestAShopThatIsDown(t *testing.T) {
	const most = 8
	for name, bad := range map[string]engine.Replayed{
		"it answers 503":   {Taken: true, Down: "it was answered with status 503", Page: payment.PageBad},
		"it's not reached": {Unsent: true},
		"no route":         {},
		"we're down":       {Taken: true, Page: payment.PageRefused},
	} {
		for _, settled := range []bool{false, true} {
			for _, n := range []int{1, most - 1, most, most + 1} {
				if n > 1 && n != most && !bad.Taken {
					continue
				}
				t.Run(fmt.Sprintf("%s %d times, settled %v", name, n, settled), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue, w.tick = true, 10*time.Second })
						defer w.halt()
						w.manyCreates()
						downs := 0
						w.sites.visited(func(r *payment.Record) engine.Replayed {
							if downs < n {
								downs++
								if name == "we're down" {
									w.store.Break(payment.ErrBroken)
									w.call("verify", r.ID)
									w.store.Break(nil)
								}
								return bad
							}
							h := w.call("verify", r.ID)
							return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
						})
						creates := func(order string) {
							w.call("create", "", func(c *engine.Relay) { c.Call.Body, c.Ask.Order = []byte("create"), order })
						}
						creates("101")
						first := w.only()
						if settled {
							w.call("verify", first.ID, unheard)
						}
						time.Sleep(20 * time.Hour)
						r := w.record(first.Ref)
						want, why := payment.Delivered, payment.Reason("")
						switch {
						case n >= most && settled:
							want, why = payment.Parked, payment.ReasonUnreachable
						case n >= most:
							want = payment.Created
						}
						if r.State != want || r.Reason != why || w.sites.seen() != min(n+1, most) || w.NeedsSession(r) {
							t.Errorf("it is %s (%s) after %d returns, session %v; want %s (%s)", r.State, r.Reason, w.sites.seen(), w.NeedsSession(r), want, why)
						}
						if got := w.events.count(engine.EventMissedReturn); got != min(n, most) {
							t.Errorf("%d events of %d returns that were missed", got, min(n, most))
						}
						downs = n
						creates("102")
						time.Sleep(2 * time.Hour)
						page, err := w.store.List(context.Background(), payment.Listing{})
						if err != nil || !slices.ContainsFunc(page.Records, func(r *payment.Record) bool { return r.ID == "K2" && r.State == payment.Delivered }) {
							t.Errorf("the next customer is not handed over: %v %v", page.Records, err)
						}
					})
				})
			}
		}
	}
}

// A gateway gives back what nobody has verified inside its window. The return for a customer
// who stayed away is made once more just before, however long the shop has been down.
func TestAShopThatIsDownUntilTheWindowEnds(t *testing.T) {
	for _, window := range []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, 90 * time.Minute} {
		t.Run(window.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue, w.bank.traits.Window, w.tick = true, window, 5*time.Second })
				defer w.halt()
				back := window - 2*time.Minute // that is when the shop is well again
				w.call("create", "")
				created := w.only().CreatedAt
				w.sites.visited(func(r *payment.Record) engine.Replayed {
					if time.Since(created) < back {
						return engine.Replayed{Taken: true, Down: "it was answered with status 503", Page: payment.PageBad}
					}
					h := w.call("verify", r.ID)
					return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
				})
				time.Sleep(window - 30*time.Second)
				if r := w.only(); r.State != payment.Delivered {
					t.Errorf("it is %s after %d returns, half a minute before its money goes back", r.State, w.sites.seen())
				}
				time.Sleep(20 * time.Hour)
				if w.sites.seen() > 8 {
					t.Errorf("%d returns", w.sites.seen())
				}
			})
		})
	}
}
