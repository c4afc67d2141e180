package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// How a gateway may answer a call that gives money back.
var (
	backLost    = payment.RelayReply{Err: errors.New("time-out")}
	backUnsent  = payment.RelayReply{Err: errors.New("refused"), Unsent: true}
	backRefused = payment.RelayReply{Status: 400, Body: []byte(`{"code":-61,`)} // "not successful, or reversed before"
)

// reversing is one reverse of the shop's with a given answer.
func (w *relayWorld) reversing(answer payment.RelayReply) heard {
	w.gate.says(func(string) payment.RelayReply { return answer })
	defer w.gate.says(nil)
	return w.call("reverse", "K1")
}

// wanted puts a wish on record, as a process leaves it that ends while it asks.
func (w *relayWorld) wanted() {
	w.t.Helper()
	rec := w.only()
	if _, err := rec.WantBack(payment.KindReverse, "k", time.Now(), payment.Lease{Owner: "one that is gone", Until: time.Now().Add(time.Minute)}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Commit(context.Background(), payment.Change{Record: rec}); err != nil {
		w.t.Fatal(err)
	}
}

// A reverse before the payment was verified, whatever became of it, leaves the later verify to
// the engine: its marker, its receipt, and the healing of a lost answer. It only excludes a
// replay, unless it was certainly refused.
func TestRelayReversedBeforeItsVerify(t *testing.T) {
	for name, c := range map[string]struct {
		back    func(w *relayWorld)
		known   bool // that nothing went back
		alerted int
	}{
		"refused":     {func(w *relayWorld) { w.reversing(backRefused) }, true, 0},
		"unsent":      {func(w *relayWorld) { w.reversing(backUnsent) }, true, 0},
		"lost":        {func(w *relayWorld) { w.reversing(backLost) }, false, 1},
		"lost twice":  {func(w *relayWorld) { w.reversing(backLost); w.reversing(backLost) }, false, 2},
		"interrupted": {(*relayWorld).wanted, false, 0},
		"after a no": {func(w *relayWorld) {
			w.gate.paid = false
			w.call("verify", "K1")
			w.gate.paid = true
			w.reversing(backLost)
		}, false, 1},
	} {
		for _, lost := range []int{0, 1} {
			t.Run(fmt.Sprint(name, ", answers lost: ", lost), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
					defer w.halt()
					w.call("create", "")
					c.back(w)
					if got := w.events.alerts(engine.EventGivenBack); got != c.alerted {
						t.Errorf("%d alerts", got)
					}
					if r := w.only(); r.Relay.GivingBack.IsZero() != c.known {
						t.Errorf("replays are excluded: %v", !r.Relay.GivingBack.IsZero())
					}
					w.gate.lose = lost
					if h := w.call("verify", "K1"); !isFirst(h) {
						t.Errorf("the shop hears %+v", h)
					}
					r := w.wantState(w.only().Ref, payment.Delivered)
					if r.Receipt == nil || w.sites.seen() != 0 {
						t.Errorf("receipt %v, %d replays", r.Receipt, w.sites.seen())
					}
				})
			})
		}
	}
}

// The shop has left before its lost answer was healed: without a replay a person is told, and
// the next ask still hears "first".
func TestRelayReversedIsNotReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
		defer w.halt()
		w.call("create", "")
		w.reversing(backLost)
		w.call("verify", "K1", unheard)
		time.Sleep(time.Hour)
		if r := w.wantState(w.only().Ref, payment.Parked); r.Reason != payment.ReasonGiveBack || w.sites.seen() != 0 {
			t.Errorf("%s, %d replays", r.Reason, w.sites.seen())
		}
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Errorf("%+v", h)
		}
	})
}

// A verify that may have settled the payment came before the reverse: "again" doesn't say
// whether the money is still there, so a person does.
func TestRelayReversedAfterALostVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		w.gate.lose = 100
		w.call("verify", "K1")
		w.wantState(w.only().Ref, payment.Unknown)
		w.reversing(backLost)
		w.gate.mu.Lock()
		w.gate.lose = 0
		w.gate.mu.Unlock()
		time.Sleep(time.Hour)
		if r := w.wantState(w.only().Ref, payment.Parked); r.Reason != payment.ReasonGiveBack {
			t.Error(r.Reason)
		}
		w.bank.unmarked = true // it is only passed on
		if h := w.call("verify", "K1"); isFirst(h) {
			t.Errorf("%+v", h)
		}
	})
}

// A gateway refuses to reverse what it has reversed before. Where the answer to an earlier
// reverse was lost, the refusal of a later one therefore says nothing: nobody is told "first" of
// money that may be back, until a person has said that it isn't.
func TestRelayReversedBeforeItIsRefused(t *testing.T) {
	for _, unsettled := range []bool{true, false} { // whether we knew the receipt when the first was sent
		for name, second := range map[string][]payment.RelayReply{
			"refused": {backRefused}, "unsent": {backUnsent}, "refused twice": {backRefused, backRefused}, "refused and unsent": {backRefused, backUnsent},
		} {
			t.Run(fmt.Sprintf("%s, unsettled %t", name, unsettled), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newRelayWorld(t)
					defer w.halt()
					w.call("create", "")
					w.gate.lose = 100
					w.call("verify", "K1")
					ref := w.only().Ref
					if unsettled {
						w.wantState(ref, payment.Unknown)
						w.reversing(backLost)
					}
					w.gate.mu.Lock()
					w.gate.lose = 0
					w.gate.mu.Unlock()
					time.Sleep(time.Hour)
					if !unsettled {
						w.reversing(backLost)
						time.Sleep(2 * payment.RefundAsked)
					}
					w.wantState(ref, payment.Parked)
					for _, answer := range second {
						w.reversing(answer)
						time.Sleep(2 * payment.RefundAsked)
					}
					w.bank.unmarked = true // it is only passed on
					if h := w.call("verify", "K1"); isFirst(h) {
						t.Errorf("the shop hears %+v of %+v", h, w.only())
					}
					r := w.wantState(ref, payment.Parked)
					if !r.BackPending() {
						t.Errorf("%+v", r.Relay)
					}
				})
			})
		}
	}
}

// A reverse of a settled payment whose answer was lost is somebody's: alarmed, in the
// record, and nobody asks again before a person has said how it ended.
func TestRelayReverseLost(t *testing.T) {
	for name, how := range map[string]func(w *relayWorld){
		"lost":        func(w *relayWorld) { w.reversing(backLost) },
		"interrupted": (*relayWorld).wanted,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				w.call("create", "")
				w.call("verify", "K1")
				rec := w.wantState(w.only().Ref, payment.Delivered)
				how(w)
				time.Sleep(2 * payment.RefundAsked)
				r := w.record(rec.Ref)
				if len(r.Refunds) != 1 || !r.RefundUnknown() || r.Refunds[0].By != payment.ByShop || r.Refunds[0].Amount != 50_000 {
					t.Fatalf("%+v", r.Refunds)
				}
				if got := w.events.alerts(engine.EventRefundUnknown); got != 1 {
					t.Errorf("%d alerts", got)
				}
				asked := w.gate.calls
				if h := w.call("reverse", "K1"); h.body != "down" {
					t.Errorf("the shop's second reverse hears %+v", h)
				}
				if _, err := w.GiveBack(t.Context(), r.Ref, engine.GiveBack{Kind: payment.KindReverse}); !errors.Is(err, engine.ErrNotPossible) || w.gate.calls != asked {
					t.Errorf("ours: %v", err)
				}
				if _, err := w.SettleRefund(t.Context(), r.Ref, 0, false, "sara", "not in the panel"); err != nil {
					t.Fatal(err)
				}
				if h := w.call("reverse", "K1"); h.body == "down" {
					t.Errorf("after it was settled: %+v", h)
				}
				w.wantState(rec.Ref, payment.Reversed)
			})
		})
	}
}

// While the gateway is asked for the shop, nobody asks it a second time.
func TestRelayReverseUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		w.call("verify", "K1")
		rec := w.wantState(w.only().Ref, payment.Delivered)
		answer := make(chan payment.RelayReply)
		w.gate.took = 0
		w.gate.slow = answer
		go w.call("reverse", "K1")
		synctest.Wait()
		if h := w.call("reverse", "K1"); h.body != "down" {
			t.Errorf("%+v", h)
		}
		answer <- payment.RelayReply{Status: 200, Body: []byte(`{"code":100,`)}
		synctest.Wait()
		r := w.wantState(rec.Ref, payment.Reversed)
		if len(r.Refunds) != 1 || r.Refunds[0].State != payment.RefundDone {
			t.Errorf("%+v", r.Refunds)
		}
	})
}

// What is verified while a call that gives the money back is under way may be back: nobody is
// told "first" before that call has ended, and then only if it was certainly refused. However
// many such calls come at once, one is under way.
func TestVerifiedBesideAReverse(t *testing.T) {
	const within, after, afterAnother = "before the verify's answer", "after it", "after another ask"
	for _, back := range []struct {
		answer payment.RelayReply
		state  payment.State
		first  bool
	}{
		{backRefused, payment.Delivered, true},
		{payment.RelayReply{Status: 200, Body: []byte(`{"code":100,`)}, payment.Reversed, false},
		{backLost, payment.Parked, false},
	} {
		for _, ends := range []string{within, after, afterAnother} {
			for _, beside := range []int{0, 1, 3} {
				t.Run(fmt.Sprint(back.state, " ", ends, " ", beside), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newRelayWorld(t)
						defer w.halt()
						w.call("create", "")
						answer := make(chan payment.RelayReply)
						w.gate.slow = answer
						go w.call("reverse", "K1")
						synctest.Wait()
						w.gate.slow = nil
						for range beside {
							if h := w.call("reverse", "K1"); h.body != "down" {
								t.Errorf("another reverse hears %+v", h)
							}
						}
						w.gate.took = time.Second
						w.bank.unmarked = true // what is a person's to decide is only passed on
						var asks sync.WaitGroup
						var first atomic.Int32
						ask := func() {
							if isFirst(w.call("verify", "K1")) {
								first.Add(1)
							}
						}
						asks.Go(ask)
						if ends == within {
							time.Sleep(time.Second / 2)
						} else {
							asks.Wait()
						}
						if ends == afterAnother {
							ask()
						}
						if n := first.Load(); n > 0 {
							t.Errorf("%d firsts while the reverse is under way", n)
						}
						answer <- back.answer
						synctest.Wait()
						asks.Wait()
						ask()
						time.Sleep(time.Hour)
						if n := first.Load(); n > 1 || n == 1 != back.first {
							t.Errorf("%d firsts", n)
						}
						want := back.state
						if want == payment.Reversed && ends == within {
							want = payment.Parked // which of the two came first isn't known
						}
						w.wantState(w.only().Ref, want)
					})
				})
			}
		}
	}
}

// A settled payment's refused reverse changes nothing: its shop still hears "first".
func TestRelayReverseRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		w.call("verify", "K1", unheard)
		w.reversing(backUnsent)
		r := w.wantState(w.only().Ref, payment.Verified)
		if len(r.Refunds) != 1 || r.Refunds[0].State != payment.RefundRefused || !r.Relay.GivingBack.IsZero() {
			t.Errorf("%+v", r.Refunds)
		}
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Errorf("%+v", h)
		}
		w.wantState(r.Ref, payment.Delivered)
	})
}
