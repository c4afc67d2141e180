package engine_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// bare is a gateway whose "already verified" says nothing of the payment: its inquiry
// does (Zibal).
func bare(w *relayWorld) {
	w.bank.traits.SendsAmount, w.bank.traits.ComparesAmount = false, false
	w.gate.inquiry = 50000
	w.gate.say = func(string) payment.RelayReply {
		if !w.gate.settled {
			w.gate.settled = true
			if w.gate.lose > 0 {
				w.gate.lose--
				return payment.RelayReply{Err: errors.New("time-out")}
			}
			return payment.RelayReply{Status: 200, Body: []byte(`{"code":100,}`)}
		}
		return payment.RelayReply{Status: 200, Body: []byte(`{"code":101,}`)}
	}
}

// A lost answer is healed by the shop's own second question, also where "already
// verified" is bare, whatever becomes of the inquiry about it: the shop hears "first",
// once, and never the bare answer.
func TestRelayBareAgain(t *testing.T) {
	for name, c := range map[string]struct {
		mute   int
		amount payment.Rials
		first  bool
		state  payment.State
	}{
		"inquiry answers":           {0, 50000, true, payment.Delivered},
		"inquiry answers late":      {2, 50000, true, payment.Delivered},
		"inquiry names another sum": {0, 5000, false, payment.Review},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, bare, func(w *relayWorld) { w.gate.lose, w.gate.mute = 1, c.mute; w.gate.inquiry = c.amount })
				defer w.halt()
				w.gate.mu.Lock()
				say := w.gate.say
				w.gate.say = nil
				w.gate.mu.Unlock()
				w.call("create", "")
				w.gate.says(say)
				h := w.call("verify", "K1")
				if !isFirst(h) && c.first && !strings.Contains(h.body, ":101,") {
					time.Sleep(time.Minute) // the worker has asked: the next question hears it
					h = w.call("verify", "K1")
				}
				if isFirst(h) != c.first {
					t.Errorf("the shop heard %+v", h)
				}
				if r := w.only(); r.State != c.state {
					t.Errorf("%s (%s)", r.State, r.Reason)
				}
				if !c.first {
					return
				}
				if again := w.call("verify", "K1"); isFirst(again) {
					t.Error(`it heard "first" twice`)
				}
			})
		})
	}
}

// "Again" at the very first ask, bare or not, goes to the shop as it came, and our books
// say why.
func TestRelayBareElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		bare(w)
		w.gate.mu.Lock()
		w.gate.settled = true
		w.gate.mu.Unlock()
		if h := w.call("verify", "K1"); !strings.Contains(h.body, ":101,") {
			t.Errorf("%+v", h)
		}
		if r := w.only(); r.State != payment.Review || r.Reason != payment.ReasonElsewhere {
			t.Errorf("%s (%s)", r.State, r.Reason)
		}
	})
}
