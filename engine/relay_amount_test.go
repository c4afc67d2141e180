package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// misread are asks whose amount the gateway refuses: none, one that is no whole number or far
// too large, and one that we read and the gateway doesn't.
var misread = map[string]func(*engine.Relay){
	"null":          func(c *engine.Relay) { c.Ask.Number, c.Call.Body = 0, []byte("null") },
	"none":          func(c *engine.Relay) { c.Ask.Number, c.Call.Body = 0, []byte("none") },
	"5000.0":        func(c *engine.Relay) { c.Ask.Number, c.Ask.Unread, c.Call.Body = 0, true, []byte("5000.0") },
	"999…9":         func(c *engine.Relay) { c.Ask.Number, c.Ask.Unread, c.Call.Body = 0, true, []byte("999") },
	"05000":         func(c *engine.Relay) { c.Ask.Odd, c.Call.Body = true, []byte("05000") },
	"other's Rials": func(c *engine.Relay) { c.Ask.Number, c.Ask.Unit = 5001, payment.Toman },
}

// known is what a record says of its payment, apart from its history and the moment.
func known(r *payment.Record) string {
	l := *r.Relay
	l.Kept = nil
	return fmt.Sprintf("%s (%s, %s) %+v %+v %+v due %s", r.State, r.Reason, r.Code, r.Attempts, l, r.Expect, r.Due)
}

// An ask that the gateway refuses for its amount settles nothing and decides nothing: whatever
// came before it, the record says afterwards what it said before, an event names it, and the
// shop's right ask hears "first" once.
func TestRelayRefusedAmountDecidesNothing(t *testing.T) {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range misread {
			if !yield(name) {
				return
			}
		}
	})
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, func(w *relayWorld) { w.gate.paid = rnd.IntN(4) > 0 })
			defer w.halt()
			w.call("create", "")
			firsts, steps := 0, []string{}
			for range 1 + rnd.IntN(6) {
				name := names[rnd.IntN(len(names))]
				before, alerts := w.only(), w.events.alerts(engine.EventRelayAmount)
				switch rnd.IntN(6) {
				case 0: // a right ask
					if isFirst(w.call("verify", "K1")) {
						firsts++
					}
					steps = append(steps, "right")
					w.gate.mu.Lock()
					w.gate.paid = true
					w.gate.mu.Unlock()
				case 1: // a right one whose answer is lost
					if firsts == 0 {
						w.call("verify", "K1", unheard)
						steps = append(steps, "unheard")
					}
				default:
					h := w.call("verify", "K1", misread[name])
					steps = append(steps, name)
					after := w.only()
					if isFirst(h) && before.State == payment.Verified {
						firsts++ // it is settled, and asked for by its number
						break
					}
					if !strings.Contains(h.body, "-50") && h.body != "other amount" && !before.State.Captured() {
						t.Fatalf("seed %d %v: heard %+v", seed, steps, h)
					}
					if !before.State.Captured() {
						if a, b := known(before), known(after); a != b {
							t.Fatalf("seed %d %v:\n%s\n%s", seed, steps, a, b)
						}
						if n := w.events.alerts(engine.EventRelayAmount); n != alerts+1 {
							t.Fatalf("seed %d %v: %d events", seed, steps, n-alerts)
						}
					}
				}
			}
			w.gate.mu.Lock()
			w.gate.paid = true
			w.gate.mu.Unlock()
			for range 2 {
				if isFirst(w.call("verify", "K1")) {
					firsts++
				}
			}
			if r := w.only(); firsts != 1 || r.State != payment.Delivered {
				t.Fatalf("seed %d %v: %d firsts, %s (%s)", seed, steps, firsts, r.State, r.Reason)
			}
		})
		if t.Failed() {
			return
		}
	}
}

// Nobody knows of a create: what a refused ask says of the amount is nobody's word.
func TestRelayRefusedAmountOfAnUnknownCreate(t *testing.T) {
	for name, how := range misread {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, rarely)
			defer w.halt()
			w.call("verify", "K1", how, func(c *engine.Relay) { c.Call.Body = []byte("x") })
			if r := w.only(); r.State != payment.Created || r.Expect.Known() {
				t.Fatalf("%s: %s (%s) %+v", name, r.State, r.Reason, r.Expect)
			}
			if h := w.call("verify", "K1", func(c *engine.Relay) { c.Ask.Unit = payment.Toman }); !isFirst(h) {
				t.Fatalf("%s: %+v", name, h)
			}
			if r := w.only(); r.State != payment.Delivered || r.Expect.Amount != 50000 {
				t.Fatalf("%s: %s %+v", name, r.State, r.Expect)
			}
		})
	}
}

// A gateway that refuses the very number of the create is a doubt, which a person sees. Once it
// settles the shop's ask as "first", there is none left.
func TestRelayAmountDoubtIsLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.bank.unmarked = true
		w.call("create", "")
		w.call("verify", "K1", func(c *engine.Relay) { c.Call.Body = []byte("5000") })
		ref := w.only().Ref
		if r := w.wantState(ref, payment.Review); r.Reason != payment.ReasonAmount {
			t.Fatal(r.Reason)
		}
		w.call("verify", "K1", misread["null"])
		w.wantState(ref, payment.Review)
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Fatalf("%+v", h)
		}
		r := w.wantState(ref, payment.Delivered)
		if r.Count(payment.EntryDoubted) != 1 || r.Count(payment.EntryConfirmed) != 1 || r.Reason != "" {
			t.Errorf("%s %+v", r.Reason, r.History)
		}
		if h := w.call("verify", "K1"); h.body != "again" {
			t.Fatalf("%+v", h)
		}
		// Its receipt is taken, as any other's.
		if holder, err := w.store.Holder(context.Background(), payment.ReceiptKey(r.Issuer, r.ID)); err != nil || holder != ref {
			t.Error(holder, err)
		}
	})
}

// A page that begins and ends while the gateway refuses an amount is noted all the same.
func TestRelayRefusedAmountBesideAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.gate.took = 3 * time.Second })
		defer w.halt()
		w.call("create", "")
		asked := make(chan heard)
		go func() { asked <- w.call("verify", "K1", misread["null"]) }()
		time.Sleep(time.Second)
		ref := w.only().Ref
		at, err := w.RelayReturn(context.Background(), ref, payment.Return{URI: "/cb?o=101"}, time.Second)
		if err != nil || at.IsZero() {
			t.Fatal(at, err)
		}
		if h := <-asked; !strings.Contains(h.body, "-50") {
			t.Fatalf("%+v", h)
		}
		r := w.wantState(ref, payment.Created)
		if r.Relay.Page != payment.PageOpen || r.Relay.Asked != 0 || !reflect.DeepEqual(r.Attempts, payment.Attempts{}) {
			t.Errorf("%+v %+v", r.Relay, r.Attempts)
		}
		w.call("verify", "K1", by("p"))
		w.RelayPage(context.Background(), ref, at, payment.PageGood)
		w.wantState(ref, payment.Delivered)
	})
}
