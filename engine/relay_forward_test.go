package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// forwards lets a call pass that can't be remembered, as a relay with `when_down forward`
// does.
func (w *relayWorld) forwards(kind payment.RelayKind) func(*engine.Relay) {
	return func(c *engine.Relay) {
		c.Ask.Kind = kind
		call := *c
		c.Down = func(_ error, made *payment.RelayReply) {
			if err := engine.PassThrough(context.Background(), w.gate, w.log, call, made); err != nil {
				w.t.Error(err)
			}
		}
	}
}

func forwardWorld(t *testing.T, change ...func(*relayWorld)) *relayWorld {
	return newRelayWorld(t, append(change, func(w *relayWorld) {
		w.log = forwarded.At(filepath.Join(t.TempDir(), "calls.jsonl"))
	})...)
}

// What passed while the ledger was away is read in when it is back; what the shop may
// have heard nobody tells it again.
func TestForwardedIsReadIn(t *testing.T) {
	verify := func(w *relayWorld, change ...func(*engine.Relay)) heard {
		return w.call("verify", "K1", append(change, w.forwards(payment.RelayVerify))...)
	}
	for _, c := range []struct {
		name  string
		known bool // its create was recorded before
		away  func(w *relayWorld)
		state payment.State
		why   payment.Reason
		next  string // what a further ask hears, once the ledger is back
	}{
		{"a create", false, func(w *relayWorld) {}, payment.Created, "", "first"},
		{"heard", false, func(w *relayWorld) {
			if h := verify(w); !isFirst(h) {
				w.t.Errorf("%+v", h)
			}
		}, payment.Delivered, "", "again"},
		{"heard, of a known create", true, func(w *relayWorld) { verify(w) }, payment.Delivered, "", "again"},
		{"not heard", false, func(w *relayWorld) { verify(w, unheard) }, payment.Verified, "", "first"},
		{"asked twice", false, func(w *relayWorld) { verify(w, unheard); verify(w) }, payment.Review, payment.ReasonElsewhere, ""},
		{"refused", false, func(w *relayWorld) {
			w.gate.mu.Lock()
			w.gate.paid = false
			w.gate.mu.Unlock()
			verify(w)
		}, payment.Declined, payment.ReasonNotPaid, ""},
		{"its answer was lost", false, func(w *relayWorld) {
			w.gate.mu.Lock()
			w.gate.lose = 1
			w.gate.mu.Unlock()
			if h := verify(w); !h.broke {
				w.t.Errorf("%+v", h)
			}
		}, payment.Verified, "", "first"},
		{"nothing was sent", false, func(w *relayWorld) {
			w.gate.mu.Lock()
			w.gate.down = 1
			w.gate.mu.Unlock()
			verify(w)
		}, payment.Created, "", "first"},
		{"given back", false, func(w *relayWorld) {
			verify(w)
			w.call("reverse", "K1", w.forwards(payment.RelayGiveBack))
		}, payment.Reversed, "", ""},
	} {
		if c.name == "asked twice" {
			continue // see TestForwardedTwice
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				if c.known {
					w.call("create", "")
				}
				w.store.Break(payment.ErrBroken)
				if !c.known {
					if h := w.call("create", "", w.forwards(payment.RelayCreate)); h.body != "K1" {
						t.Fatalf("%+v", h)
					}
				}
				c.away(w)
				time.Sleep(20 * time.Second)
				w.store.Break(nil)
				time.Sleep(20 * time.Second)
				r := w.only()
				if r.State != c.state || r.Reason != c.why {
					t.Fatalf("it is %s (%s), not %s (%s)", r.State, r.Reason, c.state, c.why)
				}
				if w.log.Any() {
					t.Error("the file is still there")
				}
				if r.Expect.Amount != 50000 {
					t.Error("expected are", r.Expect.Amount)
				}
				switch h := w.call("verify", "K1"); {
				case c.next == "first" && !isFirst(h), c.next == "again" && h.body != "again":
					t.Errorf("the next ask hears %+v", h)
				}
			})
		})
	}
}

// Two asks while the ledger was away: the first was not heard, the second heard the
// provider's own "again". Nothing is told again that somebody may have taken for paid.
func TestForwardedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := forwardWorld(t)
		defer w.halt()
		w.call("create", "")
		w.store.Break(payment.ErrBroken)
		w.call("verify", "K1", unheard, w.forwards(payment.RelayVerify))
		w.call("verify", "K1", w.forwards(payment.RelayVerify))
		w.store.Break(nil)
		time.Sleep(20 * time.Second)
		if r := w.only(); !r.State.Captured() || w.gate.settled != true {
			t.Errorf("it is %s (%s)", r.State, r.Reason)
		}
	})
}

// Several asks passed beside each other, and one that began later settled the payment: what the
// others heard, "already verified", is explained by it, whatever their order.
func TestForwardedBesideEachOther(t *testing.T) {
	first := func(call string) forwarded.Mark { m := heardMark(); m.Call = call; return m }
	unread := func(call string) forwarded.Mark { m := first(call); m.Heard = false; return m }
	again := func(call string) forwarded.Mark {
		m := first(call)
		m.Outcome, m.Heard, m.Receipt = payment.OutcomeAgain, true, nil
		return m
	}
	back := func(call string) forwarded.Mark {
		m := first(call)
		m.Kind, m.Receipt = payment.RelayGiveBack, nil
		return m
	}
	for _, c := range []struct {
		marks []forwarded.Mark
		want  payment.State
	}{
		{[]forwarded.Mark{again("1"), first("2")}, payment.Delivered},
		{[]forwarded.Mark{again("1"), again("2"), again("3"), first("4"), again("5")}, payment.Delivered},
		{[]forwarded.Mark{again("1"), unread("2")}, payment.Verified},
		{[]forwarded.Mark{again("1"), first("2"), back("3")}, payment.Reversed},
		{[]forwarded.Mark{again("1"), first("2"), back("3"), again("4")}, payment.Reversed},
		{[]forwarded.Mark{again("1")}, payment.Review}, // somebody else settled it
	} {
		var calls []string
		for _, m := range c.marks {
			calls = append(calls, fmt.Sprint(m.Kind, " ", m.Outcome))
		}
		t.Run(strings.Join(calls, ", "), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				w.store.Break(payment.ErrBroken)
				for _, m := range c.marks {
					if err := w.log.Append(m); err != nil {
						t.Fatal(err)
					}
				}
				w.store.Break(nil)
				time.Sleep(20 * time.Second)
				if r := w.only(); r.State != c.want || w.log.Any() {
					t.Errorf("it is %s (%s), want %s", r.State, r.Reason, c.want)
				}
			})
		})
	}
}

// While a verify is under way nothing sends its payment's money back past the ledger, nor the
// other way round: the shop could hear "first" of money that is back.
func TestForwardedCallsDoNotCross(t *testing.T) {
	const verify, reverse = payment.RelayVerify, payment.RelayGiveBack
	for _, c := range []struct {
		under, comes payment.RelayKind
		provider, id string
		passes       bool
	}{
		{verify, reverse, "zarinpal", "K1", false},
		{reverse, verify, "zarinpal", "K1", false},
		{verify, verify, "zarinpal", "K1", true},
		{reverse, reverse, "zarinpal", "K1", true},
		{payment.RelayInquire, reverse, "zarinpal", "K1", true},
		{verify, reverse, "zarinpal", "K2", true},
		{verify, reverse, "another", "K1", true},
	} {
		t.Run(fmt.Sprintf("%v beside %v of %s at %s", c.comes, c.under, c.id, c.provider), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				if c.comes == reverse {
					w.call("verify", "K1")
				}
				w.store.Break(payment.ErrBroken)
				end := w.log.Begin(c.under, c.provider, c.id)
				ask := func() (heard, int) {
					before := w.gate.calls
					kind := map[payment.RelayKind]string{verify: "verify", reverse: "reverse"}[c.comes]
					h := w.call(kind, "K1", func(r *engine.Relay) {
						call := *r
						call.Ask.Kind = c.comes
						r.Down = func(error, *payment.RelayReply) {
							if err := engine.PassThrough(context.Background(), w.gate, w.log, call, nil); err != nil && !errors.Is(err, engine.ErrCrossed) {
								t.Error(err)
							}
						}
					})
					return h, w.gate.calls - before
				}
				if h, calls := ask(); (calls > 0) != c.passes || !c.passes && h.body != "down" {
					t.Errorf("%d calls, and the shop hears %+v", calls, h)
				}
				end()
				if _, calls := ask(); calls == 0 {
					t.Error("it doesn't pass after the other has ended")
				}
			})
		})
	}
}

// The ledger is back while a call still passes: it is read in when it has ended, as it ended.
func TestForwardedThatStillPasses(t *testing.T) {
	for _, back := range []time.Duration{0, time.Second, 7 * time.Second, 9 * time.Second} {
		t.Run(back.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				w.store.Break(payment.ErrBroken)
				w.gate.mu.Lock()
				w.gate.took = 8 * time.Second
				w.gate.mu.Unlock()
				go func() {
					time.Sleep(back)
					w.store.Break(nil)
				}()
				if h := w.call("verify", "K1", w.forwards(payment.RelayVerify)); !isFirst(h) {
					t.Errorf("the shop hears %+v", h)
				}
				time.Sleep(time.Minute)
				if r := w.only(); r.State != payment.Delivered || w.log.Any() {
					t.Errorf("it is %s (%s)", r.State, r.Reason)
				}
				if h := w.call("verify", "K1"); h.body != "again" {
					t.Errorf("a later ask hears %+v", h)
				}
			})
		})
	}
}

// A crash after the last call that passed was read in, and before that is noted: it is read in
// once more, which changes nothing, alarms nobody, and ends.
func TestForwardedIsReadInTwice(t *testing.T) {
	passes := map[string]func(w *relayWorld){
		"heard":   func(w *relayWorld) { w.call("verify", "K1", w.forwards(payment.RelayVerify)) },
		"unheard": func(w *relayWorld) { w.call("verify", "K1", unheard, w.forwards(payment.RelayVerify)) },
		"lost": func(w *relayWorld) {
			w.gate.mu.Lock()
			w.gate.lose = 1
			w.gate.mu.Unlock()
			w.call("verify", "K1", w.forwards(payment.RelayVerify))
		},
		"reversed": func(w *relayWorld) { w.call("reverse", "K1", w.forwards(payment.RelayGiveBack)) },
	}
	names := slices.Sorted(maps.Keys(passes))
	var sequences [][]string
	for _, a := range names {
		sequences = append(sequences, []string{a})
		for _, b := range names {
			sequences = append(sequences, []string{a, b})
			for _, c := range names {
				sequences = append(sequences, []string{a, b, c})
			}
		}
	}
	for _, before := range []string{"nothing", "unheard", "heard"} {
		for _, calls := range sequences {
			t.Run(before+", "+strings.Join(calls, ", "), func(t *testing.T) {
				var ends [2]string
				for i := range ends {
					synctest.Test(t, func(t *testing.T) {
						path := filepath.Join(t.TempDir(), "calls.jsonl")
						var breaks atomic.Bool
						w := newRelayWorld(t, func(w *relayWorld) {
							w.log, w.tick = forwarded.At(path), 5*time.Second
							w.onCommit = func(c payment.Change) { // the telling is open while the ledger goes
								if c.Record.State == payment.Verified && c.Record.Relay.Told.Epoch > 0 && breaks.CompareAndSwap(true, false) {
									w.store.Break(payment.ErrBroken)
								}
							}
						})
						defer w.halt()
						w.call("create", "")
						switch before {
						case "heard":
							w.call("verify", "K1")
						case "unheard":
							breaks.Store(true)
							w.call("verify", "K1", unheard)
						}
						w.store.Break(payment.ErrBroken)
						for _, name := range calls {
							passes[name](w)
						}
						last := lastCall(t, path)
						w.store.Break(nil)
						for range 3000 {
							if time.Sleep(100 * time.Millisecond); !w.log.Any() {
								break
							}
						}
						if i > 0 {
							var file []byte
							for _, m := range last {
								b, _ := json.Marshal(m)
								file = append(append(file, b...), '\n')
							}
							if err := os.WriteFile(path, file, 0o600); err != nil {
								t.Fatal(err)
							}
						}
						time.Sleep(30 * time.Minute)
						if w.log.Any() {
							t.Fatalf("it is never read in: %+v", w.only())
						}
						r, alarms := w.only(), 0
						for _, e := range w.events.all() {
							if e.Alert {
								alarms++
							}
						}
						ends[i] = fmt.Sprint(r.State, r.Reason, len(r.Refunds), r.Relay.Heard(), r.Relay.GivingBack.IsZero(), len(r.Reports), " after ", alarms, " alarms")
					})
				}
				if ends[0] != ends[1] {
					t.Errorf("once: %s\ntwice: %s", ends[0], ends[1])
				}
			})
		}
	}
}

// lastCall returns the marks of the last call in a file, if there is one.
func lastCall(t *testing.T, path string) (last []forwarded.Mark) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		var m forwarded.Mark
		if json.Unmarshal([]byte(line), &m) != nil {
			continue
		}
		if len(last) > 0 && last[0].Call != m.Call {
			last = nil
		}
		last = append(last, m)
	}
	return last
}

// A process that died between the marks of a verify: what the shop heard is not known,
// and nobody hears "first" from us again.
func TestForwardedCutOff(t *testing.T) {
	for _, c := range []struct {
		name string
		cut  func(m *forwarded.Mark)
		why  payment.Reason
	}{
		{"before the answer", func(m *forwarded.Mark) {}, payment.ReasonTold},
		{"before it was told", func(m *forwarded.Mark) {
			m.Ended, m.Outcome, m.Receipt = true, payment.OutcomePaid, &payment.Receipt{Reference: "r"}
		}, payment.ReasonTold},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				w.gate.mu.Lock()
				w.gate.settled = true
				w.gate.mu.Unlock()
				m := forwarded.Mark{At: time.Now(), Call: "c1", Kind: payment.RelayVerify, Provider: "zarinpal", Site: "shop", Route: "/cb zarinpal", ID: "K1", Number: 5000}
				if c.cut(&m); w.log.Append(m) != nil {
					t.Fatal()
				}
				time.Sleep(10 * time.Minute)
				r := w.only()
				if r.State != payment.Parked || r.Reason != c.why {
					t.Fatalf("it is %s (%s)", r.State, r.Reason)
				}
				if h := w.call("verify", "K1"); isFirst(h) {
					t.Errorf("told again: %+v", h)
				}
			})
		})
	}
}

// goesOn: the ledger is well, whatever an error says of one payment.
func goesOn() bool { return false }

// The file has no card, no key and no text of the provider's; a torn line spoils no other.
func TestForwardedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	log := forwarded.At(path)
	if log != forwarded.At(path) {
		t.Fatal("two logs of one file")
	}
	gate := &relayBank{bank: &bank{t: t}, paid: true, say: func(string) payment.RelayReply {
		return payment.RelayReply{Status: 200, Body: []byte(`{"code":100,"card_hash":"secret-hash","merchant":"secret-key"}`)}
	}}
	c := engine.Relay{
		Provider: "zarinpal", Site: "shop", Ask: payment.RelayAsk{Kind: payment.RelayVerify, ID: "K1"}, Call: payment.RelayCall{Path: "x", Body: []byte("secret-key")},
		Say: func(payment.RelayReply) bool { return true }, Break: func() {},
	}
	if err := engine.PassThrough(t.Context(), gate, log, c, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(b), "secret") || strings.Count(string(b), "\n") != 6 {
		t.Fatalf("%s %v", b, err)
	}
	if s, _ := os.Stat(path); s.Mode().Perm() != 0o600 {
		t.Error(s.Mode())
	}
	if err := os.WriteFile(path, append(b, `{"call":"torn","prov`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(forwarded.Mark{Call: "c2", Provider: "zarinpal"}); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if _, err := log.Read(func([]forwarded.Mark) error { return boom }, goesOn); !errors.Is(err, boom) || !log.Any() {
		t.Fatal("what was not read in is gone", err)
	}
	var calls []string
	damaged, err := log.Read(func(m []forwarded.Mark) error {
		calls = append(calls, m[0].Call)
		return nil
	}, goesOn)
	if err != nil || damaged != 1 || len(calls) != 2 || calls[1] != "c2" || log.Any() {
		t.Errorf("%d damaged, %v, %v", damaged, calls, err)
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
}
