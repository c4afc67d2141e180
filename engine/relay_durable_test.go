package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// That the shop asks for its money back survives a power cut before one byte of the call
// goes out, whatever the payment's state.
func TestRelayReverseIsOnRecordBefore(t *testing.T) {
	for name, before := range map[string]func(w *relayWorld){
		"created":   func(*relayWorld) {},
		"unheard":   func(w *relayWorld) { w.call("verify", "K1", unheard) },
		"delivered": func(w *relayWorld) { w.call("verify", "K1") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				w.call("create", "")
				before(w)
				var marked atomic.Bool
				w.onCommit = func(c payment.Change) {
					if l := c.Record.Relay; l != nil && !l.GivingBack.IsZero() && !c.Lazy {
						marked.Store(true)
					}
				}
				asked := false
				w.gate.says(func(string) payment.RelayReply {
					if asked = true; !marked.Load() {
						t.Error("the call goes out, and a power cut would forget it")
					}
					return payment.RelayReply{Status: 200, Body: []byte(`{"code":100,`)}
				})
				w.call("reverse", "K1")
				if !asked {
					t.Error("the provider was not asked")
				}
			})
		})
	}
}

// A route whose plugin did not ask gets no more replays, however many of its payments
// wait; another route's are made. The owner hears of it.
func TestNoMoreReplaysWhereTheSessionIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
		defer w.halt()
		w.manyCreates()
		var mu sync.Mutex
		visits := map[string]int{}
		w.sites.visited(func(r *payment.Record) engine.Replayed {
			mu.Lock()
			visits[r.Route]++
			mu.Unlock()
			if r.Route == "/asks zarinpal" {
				h := w.call("verify", r.ID)
				return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
			}
			return engine.Replayed{Taken: true, Page: payment.PageBad}
		})
		made := 0
		create := func(route string) {
			made++
			w.call("create", "", func(c *engine.Relay) { c.Route, c.Call.Body, c.Ask.Order = route, []byte("create"), fmt.Sprint(made) })
		}
		create("/needs zarinpal")
		time.Sleep(10 * time.Minute)
		for range 4 {
			create("/needs zarinpal")
			create("/asks zarinpal")
		}
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if visits["/needs zarinpal"] != 1 || visits["/asks zarinpal"] != 4 {
			t.Errorf("returns were made: %v", visits)
		}
		if n := w.events.alerts(engine.EventNeedsSession); n != 1 {
			t.Errorf("the owner heard of it %d times", n)
		}
	})
}

// Once the process is told to stop no hand-over begins: no delivery of a verify route, and
// no return that the worker makes. What is verified stays for the next process.
func TestNoHandOverBeginsWhileStopping(t *testing.T) {
	t.Run("a delivery", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t)
			defer w.halt()
			w.bank.unmarked = true
			w.call("create", "")
			res := w.Admit(context.Background(), engine.Ask{
				Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", Claimed: payment.Claimed{ID: "K1", Hint: payment.HintPaid},
				Policy: engine.Policy{Once: true, Many: true}, Patience: 8 * time.Second, Return: payment.Return{Method: "GET", Host: "shop", URI: "/cb"},
			})
			if res.Kind != engine.Verified {
				t.Fatalf("%v %v", res.Kind, res.Err)
			}
			if err := w.Quiesce(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err := w.Deliver(t.Context(), res.Record, engine.Delivery{Via: payment.ViaBrowser, Policy: engine.Policy{Once: true, Many: true}}, func(context.Context, *payment.Record) engine.Handed {
				t.Error("a hand-over began")
				return engine.Handed{Acked: true}
			})
			if !errors.Is(err, engine.ErrStopping) || !errors.Is(err, engine.ErrNotNow) {
				t.Errorf("%v", err)
			}
			w.wantState(res.Record.Ref, payment.Verified)
		})
	})
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprint("a replay, stopped: ", stopped), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
				defer w.halt()
				w.sites.visited(func(*payment.Record) engine.Replayed {
					w.call("verify", "K1")
					return engine.Replayed{Taken: true, Page: payment.PageGood}
				})
				w.call("create", "")
				w.call("verify", "K1", unheard)
				if stopped {
					if err := w.Quiesce(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Hour)
				if n := w.sites.seen(); (n == 0) != stopped {
					t.Errorf("%d returns were made", n)
				}
			})
		})
	}
	// A replay that runs is waited for, and its call to the relay is answered.
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
		defer w.halt()
		begun := make(chan bool, 1)
		w.sites.visited(func(*payment.Record) engine.Replayed {
			begun <- true
			time.Sleep(3 * time.Second)
			if h := w.call("verify", "K1"); !isFirst(h) {
				t.Errorf("the plugin hears %+v", h)
			}
			return engine.Replayed{Taken: true, Page: payment.PageGood}
		})
		w.call("create", "")
		w.call("verify", "K1", unheard)
		<-begun
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		if err := w.Quiesce(ctx); err != nil {
			t.Error(err)
		}
		if r := w.only(); r.State != payment.Delivered {
			t.Errorf("it did not wait for the replay: %s (%s)", r.State, r.Reason)
		}
	})
}

// An ask whose answer was lost is asked again by the worker when its caller has gone; what
// that settles is told by the shop's own return.
func TestRelayLostAnswerIsHealedWithoutItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
		defer w.halt()
		w.sites.visited(func(*payment.Record) engine.Replayed {
			h := w.call("verify", "K1")
			return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
		})
		w.call("create", "")
		w.gate.mu.Lock()
		w.gate.lose = 1
		w.gate.mu.Unlock()
		ctx, leave := context.WithCancel(context.Background())
		leave()
		broke := false
		w.RelayVerify(ctx, engine.Relay{
			Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", Policy: engine.Policy{Once: true, Many: true},
			Call: payment.RelayCall{Path: "verify"}, Ask: payment.RelayAsk{ID: "K1", Number: 5000},
			Say: func(payment.RelayReply) bool { return false }, Break: func() { broke = true },
		})
		if r := w.only(); r.State != payment.Unknown || !broke {
			t.Fatalf("%s, broke %v", r.State, broke)
		}
		time.Sleep(time.Hour)
		if r := w.only(); r.State != payment.Delivered || w.sites.seen() != 1 {
			t.Errorf("%s (%s), %d returns were made", r.State, r.Reason, w.sites.seen())
		}
	})
}

// slowStore is a ledger whose disk hangs: a commit ends when its caller gives up.
type slowStore struct {
	*memory.Store
	hangs bool
}

func (s *slowStore) Commit(ctx context.Context, c payment.Change) error {
	if !s.hangs {
		return s.Store.Commit(ctx, c)
	}
	<-ctx.Done()
	return ctx.Err()
}

// announcing are sites that take every intent.
type announcing struct{ *plugins }

func (announcing) Announcement(_ context.Context, in engine.Intent) (engine.Announcement, error) {
	return engine.Announcement{Site: "shop", Provider: "zarinpal", ID: in.ID, Order: in.Order, Amount: in.Amount}, nil
}

// A program that announces waits two seconds for the disk and no longer; what it hears is
// no receipt, and nothing is half on record.
func TestAnIntentWaitsTwoSeconds(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t)
			defer w.halt()
			store := &slowStore{w.store, hangs}
			e, err := engine.New(t.Context(), engine.Config{
				Store: store, Sites: announcing{w.sites}, Observer: w.events,
				Providers: map[string]engine.Provider{"zarinpal": {Provider: w.gate, Timeout: 8 * time.Second}},
			})
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			rec, wrong, err := e.Intend(t.Context(), engine.Intent{ID: "K1", Order: "101", Amount: 50_000})
			took := time.Since(begin)
			if wrong != nil || (err != nil) != hangs || hangs && took != 2*time.Second || !hangs && (rec == nil || took != 0) {
				t.Errorf("hangs %v: %v, %v, %v after %s", hangs, rec, wrong, err, took)
			}
			page, err := w.store.List(t.Context(), payment.Listing{})
			if err != nil || (len(page.Records) == 1) == hangs {
				t.Errorf("hangs %v: %d records, %v", hangs, len(page.Records), err)
			}
		})
	}
}

// What is observed is inquired of, once, ten seconds after the shop's answer, and not
// before.
func TestObservedIsAskedOnceAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.verifiesBeside()
		w.saw()
		var at []int
		for second := range 120 {
			if _, n := w.gate.became(); n > len(at) {
				at = append(at, second)
			}
			time.Sleep(time.Second)
		}
		if len(at) != 1 || at[0] < 10 || at[0] > 20 {
			t.Errorf("it was asked at the seconds %v", at)
		}
		if w.only().State != payment.Delivered || w.gate.calls != 0 {
			t.Errorf("%s, %d calls", w.only().State, w.gate.calls)
		}
	})
}

// A payment that a verify route has settled, and of which no create was seen: the shop's
// plugin, which asks the relay, hears "first" once.
func TestRelayFirstAskOfWhatARouteSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.bank.unmarked = true
		if _, err := w.Announce(context.Background(), engine.Announcement{Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", ID: "K1", Order: "101", Amount: 50_000}); err != nil {
			t.Fatal(err)
		}
		res := w.Admit(context.Background(), engine.Ask{
			Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", Claimed: payment.Claimed{ID: "K1", Hint: payment.HintPaid},
			Policy: engine.Policy{Once: true, Many: true}, Patience: 8 * time.Second, Return: payment.Return{Method: "GET", Host: "shop", URI: "/cb"},
		})
		if res.Kind != engine.Verified || res.Record.Relay != nil {
			t.Fatalf("%v %v %+v", res.Kind, res.Err, res.Record)
		}
		settled := w.gate.calls
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Errorf("the plugin hears %+v", h)
		}
		if h := w.call("verify", "K1"); h.body != "again" || w.gate.calls != settled {
			t.Errorf("then it hears %+v; %d calls", h, w.gate.calls)
		}
	})
}

// The provider's own bytes are told below a week, and at a week and above an answer that is
// made from the receipt, though nobody has deleted them yet.
func TestTheKeptAnswerIsToldForAWeek(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for after, kept := range map[time.Duration]bool{time.Minute: true, week - time.Second: true, week: false, week + time.Second: false, 5 * week: false} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t, rarely)
			w.call("create", "")
			w.call("verify", "K1", unheard)
			w.halt() // nobody deletes anything
			time.Sleep(time.Until(w.only().Relay.KeptAt.Add(after)))
			if h := w.call("verify", "K1"); !isFirst(h) || strings.Contains(h.body, "secret-hash") != kept {
				t.Errorf("after %s the shop hears %+v", after, h)
			}
		})
	}
}
