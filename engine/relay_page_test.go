package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// returned makes a payment whose customer has come back to the shop's page.
func (w *relayWorld) returned() (ref payment.Ref, ret payment.Return, at time.Time) {
	w.t.Helper()
	w.call("create", "")
	ref, ret = w.only().Ref, payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}
	at, err := w.RelayReturn(context.Background(), ref, ret, time.Second)
	if err != nil || at.IsZero() {
		w.t.Fatal(at, err)
	}
	return ref, ret, at
}

// The plugin gives up, and its page begins and ends while the provider still works: what
// the provider says then is kept all the same, and the next ask hears its very bytes.
func TestRelayPageBesideAnAnswer(t *testing.T) {
	for name, pages := range map[string]int{"its own page": 1, "and a reload": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.gate.took = 5 * time.Second })
				defer w.halt()
				ref, ret, at := w.returned()
				asked := make(chan heard)
				go func() { asked <- w.call("verify", "K1", unheard) }()
				for range pages {
					time.Sleep(time.Second)
					w.RelayPage(context.Background(), ref, at, payment.PageRefused)
					at, _ = w.RelayReturn(context.Background(), ref, ret, time.Second)
				}
				<-asked
				r := w.only()
				if r.State != payment.Verified || r.Relay.Kept == nil || r.Attempts.Unknown != 0 {
					t.Fatalf("what the provider said is lost: %s, %d unknown", r.State, r.Attempts.Unknown)
				}
				w.RelayPage(context.Background(), ref, at, payment.PageRefused)
				if h := w.call("verify", "K1"); !isFirst(h) {
					t.Errorf("the next ask heard %+v", h)
				}
			})
		})
	}
}

// A page that ends while the ledger refuses ends all the same: the next return doesn't wait
// for it, and proves what the shop has done.
func TestRelayPageThatEndsUnrecorded(t *testing.T) {
	for name, reloads := range map[string]bool{"the customer reloads": true, "nobody comes": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.gate.took = time.Second })
				defer w.halt()
				ref, ret, at := w.returned()
				w.store.Break(payment.ErrBroken)
				w.RelayPage(context.Background(), ref, at, payment.PageRefused)
				time.Sleep(5 * time.Second)
				w.store.Break(nil)
				if reloads {
					began := time.Now()
					var err error
					at, err = w.RelayReturn(context.Background(), ref, ret, 10*time.Second)
					if err != nil || at.IsZero() || time.Since(began) > time.Second {
						t.Fatalf("the next return is not seen, after %s: %v", time.Since(began), err)
					}
					if h := w.call("verify", "K1"); !isFirst(h) {
						t.Fatalf("%+v", h)
					}
					w.RelayPage(context.Background(), ref, at, payment.PageGood)
				} else if h := w.call("verify", "K1"); !isFirst(h) {
					t.Fatalf("%+v", h)
				}
				time.Sleep(20 * time.Minute)
				if r := w.only(); reloads && r.State != payment.Delivered || r.Relay.Page == payment.PageOpen {
					t.Errorf("it is %s (%s), its page %s", r.State, r.Reason, r.Relay.Page)
				}
			})
		})
	}
}

// A crash of the database takes what was written lazily, and this process goes on: a page that
// has ended keeps no later return waiting.
func TestRelayPageWhoseEndTheDatabaseForgets(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t)
			defer w.halt()
			ref, ret, at := w.returned()
			open := w.only()
			w.RelayPage(t.Context(), ref, at, payment.PageGood)
			forgets := w.only()
			forgets.Relay = open.Relay
			if err := w.store.Commit(t.Context(), payment.Change{Record: forgets}); err != nil || forgets.Relay.Page != payment.PageOpen {
				t.Fatal(forgets.Relay.Page, err)
			}
			time.Sleep(after)
			began := time.Now()
			again, err := w.RelayReturn(t.Context(), ref, ret, 2*time.Minute)
			if took := time.Since(began); err != nil || again.IsZero() || took > time.Second {
				t.Errorf("the next return has %v, %v, after %s", again, err, took)
			}
		})
	}
}

func by(name string) func(*engine.Relay) { return func(c *engine.Relay) { c.Asker = name } }

// A plugin that asks twice in one page, one after the other or all at once, has heard "first":
// the page says whether it credited. Where a job of another program asks beside it, or asked
// before the page was begun, the page proves nothing.
func TestRelayAsksTwiceInAPage(t *testing.T) {
	for name, c := range map[string]struct {
		ask   func(w *relayWorld) (firsts int)
		said  payment.ShopPage
		state payment.State
	}{
		"twice":     {func(w *relayWorld) int { return w.firsts(false, "p", "p") }, payment.PageGood, payment.Delivered},
		"thrice":    {func(w *relayWorld) int { return w.firsts(false, "p", "p", "p") }, payment.PageGood, payment.Delivered},
		"at once":   {func(w *relayWorld) int { return w.firsts(true, "p", "p", "p", "p", "p", "p", "p", "p") }, payment.PageGood, payment.Delivered},
		"refuses":   {func(w *relayWorld) int { return w.firsts(false, "p", "p") }, payment.PageRefused, payment.Parked},
		"dies":      {func(w *relayWorld) int { return w.firsts(false, "p", "p") }, payment.PageBad, payment.Parked},
		"job first": {func(w *relayWorld) int { return w.firsts(false, "job", "p") }, payment.PageGood, payment.Parked},
		"job again": {func(w *relayWorld) int { return w.firsts(false, "p", "job") }, payment.PageGood, payment.Parked},
		"unknown":   {func(w *relayWorld) int { return w.firsts(false, "", "") }, payment.PageGood, payment.Parked},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				ref, _, at := w.returned()
				if n := c.ask(w); n != 1 {
					t.Fatalf("%d heard first", n)
				}
				w.RelayPage(context.Background(), ref, at, c.said)
				if r := w.record(ref); r.State != c.state {
					t.Errorf("%s (%s)", r.State, r.Reason)
				}
			})
		})
	}
	t.Run("it asked before its customer came", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, func(w *relayWorld) { w.gate.took = 3 * time.Second })
			defer w.halt()
			w.call("create", "")
			first := make(chan heard)
			go func() { first <- w.call("verify", "K1", by("p")) }()
			time.Sleep(time.Second)
			ref := w.only().Ref
			at, err := w.RelayReturn(context.Background(), ref, payment.Return{URI: "/cb?o=101"}, time.Second)
			if err != nil || at.IsZero() {
				t.Fatal(at, err)
			}
			if h := <-first; !isFirst(h) {
				t.Fatalf("%+v", h)
			}
			w.call("verify", "K1", by("p"))
			w.RelayPage(context.Background(), ref, at, payment.PageGood)
			w.wantState(ref, payment.Parked)
		})
	})
}

// firsts asks once for each name, and counts who hears "first".
func (w *relayWorld) firsts(atOnce bool, names ...string) (n int) {
	heards := make(chan heard, len(names))
	for _, name := range names {
		ask := func() { heards <- w.call("verify", "K1", by(name)) }
		if atOnce {
			go ask()
		} else {
			ask()
		}
	}
	for range names {
		if isFirst(<-heards) {
			n++
		}
	}
	return n
}

// Customers reload while the shop's page asks, and leave again while they wait for it. None of them
// makes the first page doubtful, in which the shop credits.
func TestRelayReloadsThatLeave(t *testing.T) {
	for _, reloads := range []int{1, 2, 70} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, func(w *relayWorld) { w.gate.took = 12 * time.Second })
			defer w.halt()
			ref, ret, at := w.returned()
			asked := make(chan heard)
			go func() { asked <- w.call("verify", "K1", by("p")) }()
			for range reloads {
				ctx, leave := context.WithTimeout(context.Background(), 100*time.Millisecond)
				if _, err := w.RelayReturn(ctx, ref, ret, 30*time.Second); !errors.Is(err, engine.ErrLeft) {
					t.Errorf("a customer who has left goes on: %v", err)
				}
				leave()
			}
			if h := <-asked; !isFirst(h) {
				t.Fatalf("%+v", h)
			}
			w.RelayPage(context.Background(), ref, at, payment.PageGood)
			w.wantState(ref, payment.Delivered)
		})
	}
}
