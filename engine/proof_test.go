package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// errUnwritten is why a question of ours can't be written.
var errUnwritten = errors.New("the request could not be made")

// proving is a gateway whose verify must be told what only the customer's return brings.
func proving(w *relayWorld) {
	w.bank.traits.ProvesInReturn = true
	w.gate.needs = "P1"
}

// An ask whose answer was lost is asked again with the proof that the shop's own call or its
// customer's return brought, whatever was lost on the way; and a proof that was asked about and
// not answered makes no room for another.
func TestARelayedProofIsKept(t *testing.T) {
	for _, brought := range []string{"ask", "return", "both", "bogus after"} {
		for lost, change := range map[string]func(*relayWorld){
			"answer": func(w *relayWorld) { w.gate.lose = 1 },
			"call":   func(w *relayWorld) { w.gate.down = 1 },
			"both":   func(w *relayWorld) { w.gate.down, w.gate.lose = 1, 1 },
		} {
			t.Run(brought+" "+lost, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newRelayWorld(t, proving, change)
					defer w.halt()
					gates(w, func() { w.gate.lose, w.gate.down = 0, 0 })
					w.call("create", "")
					gates(w, func() { change(w) })
					if brought != "ask" {
						w.RelayProof(t.Context(), w.only(), "P1")
					}
					w.callFor("verify", "K1", time.Second, func(c *engine.Relay) {
						if brought != "return" {
							c.Ask.Proof = "P1"
						}
					})
					if brought == "bogus after" && lost != "call" {
						w.RelayProof(t.Context(), w.only(), "P2")
					}
					time.Sleep(5 * time.Minute)
					if r := w.only(); !r.State.Captured() || r.Proof != "P1" {
						t.Fatalf("it is %s (%s), proof %q", r.State, r.Reason, r.Proof)
					}
					if h := w.call("verify", "K1"); !isFirst(h) {
						t.Errorf("the shop heard %+v", h)
					}
				})
			})
		}
	}
}

// What verify must be told is bounded, and is the customer's: what is settled keeps its own.
func TestAProofIsBounded(t *testing.T) {
	for n, keeps := range map[int]bool{0: false, 1: true, payment.MaxProof: true, payment.MaxProof + 1: false, 1 << 20: false} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, proving)
			defer w.halt()
			w.call("create", "")
			w.RelayProof(t.Context(), w.only(), string(make([]byte, n)))
			if got := len(w.only().Proof); (got > 0) != keeps || keeps && got != n {
				t.Errorf("of %d bytes %d are kept", n, got)
			}
			w.call("verify", "K1", func(c *engine.Relay) { c.Ask.Proof = "P1" })
			w.RelayProof(t.Context(), w.only(), "P2")
			if r := w.only(); r.Proof != "P1" || r.State != payment.Delivered {
				t.Errorf("%s, proof %q", r.State, r.Proof)
			}
		})
	}
}

// Without a proof no verify of ours can be written. Where the gateway can be asked, it is asked
// by inquiry, which settles nothing; where it can't, nobody is asked. Neither is counted as the
// gateway's silence, however many payments there are.
func TestWhatCantBeAskedIsNoSilence(t *testing.T) {
	for _, inquires := range []bool{true, false} {
		t.Run(fmt.Sprint("inquires ", inquires), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, proving, func(w *relayWorld) {
					w.gate.inquiry, w.bank.unmarked = 50000, true
					if !inquires {
						w.listing = deaf{w.gate}
					}
				})
				defer w.halt()
				const payments = 60
				for i := range payments {
					id := fmt.Sprint("U", i)
					w.gate.says(func(string) payment.RelayReply { return payment.RelayReply{Status: 200, Body: []byte(id)} })
					w.call("create", "")
					w.gate.says(nil)
					gates(w, func() { w.gate.down = 1 })
					w.callFor("verify", id, time.Millisecond)
				}
				synctest.Wait()
				asked := w.events.count(engine.EventAsked)
				_, before := w.gate.became()
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if n := w.events.count(engine.EventBreaker); n != 0 {
					t.Errorf("the breaker opened %d times", n)
				}
				_, inquired := w.gate.became()
				inquired -= before
				if n := w.events.count(engine.EventAsked) - asked; n != inquired || inquires != (inquired > 0) {
					t.Errorf("%d questions are counted, %d inquiries were made", n, inquired)
				}
				if w.gate.unwritten > 0 && inquires {
					t.Errorf("%d verifies were tried that can't be written", w.gate.unwritten)
				}
			})
		})
	}
}

// deaf is a gateway that can be relayed and can't be asked without settling.
type deaf struct{ payment.Relayer }

// gates changes the gateway.
func gates(w *relayWorld, change func()) {
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	change()
}
