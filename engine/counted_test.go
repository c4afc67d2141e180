package engine_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A payment is counted once per outcome, however often it was asked for and told.
func TestCountedOncePerOutcome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script []payment.Answer
		asks   int
		want   []string
	}{
		"silence, busy, a wrong key, then paid": {
			[]payment.Answer{{Err: errors.New("reset")}, {Outcome: payment.OutcomeBusy}, {Err: errors.New("reset")}, {Outcome: payment.OutcomeOperator}, {Outcome: payment.OutcomeOperator}, paid(payment.OutcomeAgain)}, 1,
			[]string{engine.VerifyUnknown, engine.VerifyOperator, engine.VerifyAgain},
		},
		"declined again and again": {
			[]payment.Answer{{Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid}}, 5, []string{engine.VerifyRefused},
		},
		"paid at once, and the page loaded again": {
			[]payment.Answer{paid(payment.OutcomePaid)}, 5, []string{engine.VerifyPaid},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.bank.script = c.script })
				defer w.halt()
				w.announce()
				for range c.asks {
					w.Admit(t.Context(), w.ask())
					time.Sleep(20 * time.Second)
				}
				time.Sleep(time.Minute)
				var got []string
				for _, e := range w.events.all() {
					if e.Name == engine.EventCounted {
						got = append(got, e.Outcome)
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("counted %v, want %v", got, c.want)
				}
				if n := w.events.count(engine.EventReturned); n != c.asks {
					t.Errorf("%d returns are counted of %d", n, c.asks)
				}
			})
		})
	}
}

func (o *events) all() []engine.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.list)
}

func (o *events) count(name string) (n int) {
	for _, e := range o.all() {
		if e.Name == name {
			n++
		}
	}
	return n
}
