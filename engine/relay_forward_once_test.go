package engine_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// heardMark is a verify that passed while the ledger was away: the shop has heard "first".
func heardMark() forwarded.Mark {
	return forwarded.Mark{
		At: time.Now(), Call: "c1", Kind: payment.RelayVerify, Provider: "zarinpal", Site: "shop", Route: "/cb zarinpal", ID: "K1", Number: 5000,
		Ended: true, Said: true, Heard: true, Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{Reference: "r"},
	}
}

// A verify that passed is read in by one change, after which nobody may tell "first": no node
// ever sees a payment that is settled, or asked about again, and looks unheard.
func TestForwardedIsReadInAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		cut    func(m *forwarded.Mark)
		create bool
		state  payment.State
	}{
		"heard":                    {func(*forwarded.Mark) {}, true, payment.Delivered},
		"heard, its create unseen": {func(*forwarded.Mark) {}, false, payment.Delivered},
		"cut off before told":      {func(m *forwarded.Mark) { m.Said, m.Heard = false, false }, true, payment.Parked},
		"cut off before answered": {func(m *forwarded.Mark) {
			m.Ended, m.Said, m.Heard, m.Outcome, m.Receipt = false, false, false, payment.OutcomeUnknown, nil
		}, true, payment.Parked},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				if c.create {
					w.call("create", "")
				}
				w.gate.mu.Lock()
				w.gate.settled = true
				w.gate.mu.Unlock()
				w.onCommit = func(c payment.Change) {
					if r := c.Record; r.Attempts.Count > 0 && !r.Relay.Heard() && (r.State != payment.Parked || r.Tellable()) {
						t.Errorf("a change leaves it %s, and the shop may hear \"first\" again", r.State)
					}
				}
				m := heardMark()
				c.cut(&m)
				if err := w.log.Append(m); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				if r := w.only(); r.State != c.state || r.Attempts.Count == 0 || c.state == payment.Delivered && w.events.count(engine.EventVerified) != 1 {
					t.Errorf("it is %s (%s) after %d asks", r.State, r.Reason, r.Attempts.Count)
				}
				if h := w.call("verify", "K1"); isFirst(h) {
					t.Errorf("told again: %+v", h)
				}
			})
		})
	}
}

// A verify that passed through one engine's file while another asks: whoever settles the
// payment, the shop has heard "first".
func TestForwardedWhileAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := forwardWorld(t)
		defer w.halt()
		w.call("create", "")
		w.gate.mu.Lock()
		w.gate.took = 6 * time.Second
		w.gate.mu.Unlock()
		go w.call("verify", "K1", unheard)
		time.Sleep(time.Second)
		if err := w.log.Append(heardMark()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if h := w.call("verify", "K1"); isFirst(h) || !w.only().Relay.Heard() || w.log.Any() {
			t.Errorf("it is %s (%s), and the shop hears %+v", w.only().State, w.only().Reason, h)
		}
	})
}

// What passed is read in while the payment is asked about on record. Once that question is
// answered, by whomever, the payment ends as what passed says: no ask will come that could
// hear "first".
func TestForwardedEndsWhoeverSettles(t *testing.T) {
	for name, c := range map[string]struct {
		cut  func(m *forwarded.Mark)
		page payment.ShopPage
		want payment.State
		why  payment.Reason
	}{
		"heard":   {func(*forwarded.Mark) {}, payment.PageNone, payment.Delivered, ""},
		"cut off": {func(m *forwarded.Mark) { m.Said, m.Heard = false, false }, payment.PageNone, payment.Parked, payment.ReasonTold},
		// The page heard "again" as well, so it proves nothing.
		"heard, and a page": {func(*forwarded.Mark) {}, payment.PageGood, payment.Parked, payment.ReasonHeardNoAck},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				w.gate.mu.Lock()
				w.gate.took, w.gate.lose = 8*time.Second, 1
				w.gate.mu.Unlock()
				go w.call("verify", "K1", unheard)
				time.Sleep(time.Second)
				var at time.Time
				if c.page != payment.PageNone {
					var err error
					if at, err = w.RelayReturn(t.Context(), w.only().Ref, payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}, 0); err != nil || at.IsZero() {
						t.Fatalf("no page opens: %v", err)
					}
				}
				m := heardMark()
				c.cut(&m)
				if err := w.log.Append(m); err != nil {
					t.Fatal(err)
				}
				time.Sleep(40 * time.Second)
				if !at.IsZero() {
					w.RelayPage(t.Context(), w.only().Ref, at, c.page)
				}
				time.Sleep(2 * time.Minute)
				if r := w.only(); r.State != c.want || r.Reason != c.why || w.log.Any() {
					t.Errorf("it is %s (%s), want %s (%s); it was asked about %d times", r.State, r.Reason, c.want, c.why, r.Attempts.Count)
				}
				if h := w.call("verify", "K1"); isFirst(h) {
					t.Errorf("told again: %+v", h)
				}
			})
		})
	}
}

// A page in which the shop heard "first" past the ledger ends before that can be read in: the
// page still judges it, soon or whenever it is read in.
func TestForwardedInAPageThatHasEnded(t *testing.T) {
	for _, c := range []struct {
		page payment.ShopPage
		want payment.State
		why  payment.Reason
	}{
		{payment.PageGood, payment.Delivered, ""},
		{payment.PageRefused, payment.Parked, payment.ReasonShopRefused},
		{payment.PageBad, payment.Parked, payment.ReasonHeardNoAck},
	} {
		for _, unread := range []time.Duration{0, time.Second, time.Minute, 10 * time.Minute} {
			for _, comes := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, read in after %s, a reload %t", c.page, unread, comes), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var unreadable atomic.Bool
						w := forwardWorld(t, func(w *relayWorld) {
							w.onCommit = func(c payment.Change) {
								if c.Record.Relay.Heard() && unreadable.Load() {
									panic("it can't be read in")
								}
							}
						})
						defer w.halt()
						w.call("create", "")
						ret := payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}
						at, err := w.RelayReturn(t.Context(), w.only().Ref, ret, 0)
						if err != nil || at.IsZero() {
							t.Fatalf("no page opens: %v", err)
						}
						unreadable.Store(true)
						if err := w.log.Append(heardMark()); err != nil {
							t.Fatal(err)
						}
						w.RelayPage(t.Context(), w.only().Ref, at, c.page)
						if comes {
							if again, err := w.RelayReturn(t.Context(), w.only().Ref, ret, time.Second); err == nil && !again.IsZero() {
								w.RelayPage(t.Context(), w.only().Ref, again, payment.PageGood)
							}
						}
						time.Sleep(unread)
						unreadable.Store(false)
						time.Sleep(30 * time.Second)
						want, why := c.want, c.why
						if comes {
							want, why = payment.Parked, payment.ReasonHeardNoAck // nobody can tell to which page it belongs
						}
						if r := w.only(); r.State != want || r.Reason != why || w.log.Any() {
							t.Errorf("it is %s (%s), want %s (%s)", r.State, r.Reason, want, why)
						}
					})
				})
			}
		}
	}
}

// An ask that comes when the ledger is back, and before the worker has looked: what passed
// meanwhile is read in first. An earlier question without an answer would explain the
// provider's "again", and the shop would hear "first" a second time.
func TestForwardedAskedBeforeTheWorkerLooks(t *testing.T) {
	for name, c := range map[string]struct {
		ask  func(w *relayWorld)
		want payment.State
	}{
		"nobody":      {func(*relayWorld) {}, payment.Delivered},
		"a give-back": {func(w *relayWorld) { w.call("reverse", "K1") }, payment.Reversed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				w.gate.mu.Lock()
				w.gate.lose = 1
				w.gate.mu.Unlock()
				go w.call("verify", "K1", unheard, func(c *engine.Relay) { c.Say = func(payment.RelayReply) bool { return false } })
				time.Sleep(200 * time.Millisecond)
				w.store.Break(payment.ErrBroken)
				time.Sleep(40 * time.Second)
				if err := w.log.Append(heardMark()); err != nil {
					t.Fatal(err)
				}
				w.store.Break(nil)
				c.ask(w)
				h := w.call("verify", "K1")
				if r := w.only(); isFirst(h) || r.State != c.want || w.log.Any() {
					t.Errorf("it is %s (%s), and the shop hears %+v", r.State, r.Reason, h)
				}
			})
		})
	}
}

// A call that can't be read in keeps its payment from being told from the ledger, and no
// other payment.
func TestForwardedThatCannotBeReadIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := forwardWorld(t)
		defer w.halt()
		w.call("create", "")
		w.call("verify", "K1", unheard)
		w.onCommit = func(payment.Change) { panic("boom") }
		if err := w.log.Append(heardMark()); err != nil {
			t.Fatal(err)
		}
		if h := w.call("verify", "K1"); !h.broke {
			t.Errorf("the shop hears %+v", h)
		}
		w.onCommit = nil
		if h := w.call("verify", "K1"); h.body != "again" {
			t.Errorf("the shop hears %+v", h)
		}
	})
}

// What the shop hears in a page past the ledger is noted on disk. The page is on disk, too: a
// power cut that took it alone would leave a plugin that died in it without a trace.
func TestForwardedInAPageThatAPowerCutTakes(t *testing.T) {
	for _, forwards := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, func(w *relayWorld) {
				if forwards {
					w.log = forwarded.At(filepath.Join(t.TempDir(), "calls.jsonl"))
				}
			})
			defer w.halt()
			w.call("create", "")
			w.unsynced = nil
			at, err := w.RelayReturn(t.Context(), w.only().Ref, payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}, 0)
			if err != nil || at.IsZero() {
				t.Fatalf("no page opens: %v", err)
			}
			if lazy := len(w.unsynced) > 0; lazy == forwards {
				t.Errorf("forwards %t, and a power cut may take the page: %t", forwards, lazy)
			}
		})
	}
}

// The answer to the page's own question could not be recorded, and the shop heard it past the
// ledger. Whoever settles the payment later, that page judges it.
func TestForwardedInAPageWhoeverSettles(t *testing.T) {
	for page, want := range map[payment.ShopPage]struct {
		state payment.State
		why   payment.Reason
	}{
		payment.PageGood:    {payment.Delivered, ""},
		payment.PageRefused: {payment.Parked, payment.ReasonShopRefused},
		payment.PageBad:     {payment.Parked, payment.ReasonHeardNoAck},
	} {
		for _, back := range []time.Duration{0, time.Second, time.Minute} { // the ledger, before or after the page ends
			for _, ends := range append(every(700*time.Millisecond, 12*time.Second), 90*time.Second) {
				t.Run(fmt.Sprintf("%s, the ledger is back after %s, the page ends after %s", page, back, ends), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var breaks atomic.Bool
						w := forwardWorld(t, func(w *relayWorld) {
							w.onCommit = func(c payment.Change) {
								if c.Record.State == payment.Verified && breaks.CompareAndSwap(true, false) {
									w.store.Break(payment.ErrBroken)
								}
							}
						})
						defer w.halt()
						w.call("create", "")
						ref := w.only().Ref
						at, err := w.RelayReturn(t.Context(), ref, payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}, 0)
						if err != nil || at.IsZero() {
							t.Fatalf("no page opens: %v", err)
						}
						breaks.Store(true)
						if h := w.call("verify", "K1", w.forwards(payment.RelayVerify)); !isFirst(h) {
							t.Fatalf("the shop hears %+v", h)
						}
						go func() {
							time.Sleep(back)
							w.store.Break(nil)
						}()
						time.Sleep(ends)
						w.RelayPage(t.Context(), ref, at, page)
						time.Sleep(10 * time.Minute)
						if r := w.only(); r.State != want.state || r.Reason != want.why || w.log.Any() {
							t.Errorf("it is %s (%s), want %s (%s)", r.State, r.Reason, want.state, want.why)
						}
					})
				})
			}
		}
	}
}

// every returns the moments up to the last one, a step apart.
func every(step, last time.Duration) (at []time.Duration) {
	for d := time.Duration(0); d <= last; d += step {
		at = append(at, d)
	}
	return at
}
