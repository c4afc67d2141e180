package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// After a "no" the questions come at 30 s, at 3 min and just before the window
// closes, and none after it: money that has gone back can't be verified.
func TestRule9TheLastQuestionComesInsideTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused}} })
		defer w.halt()
		rec := w.announce()
		begin := time.Now()
		w.Admit(t.Context(), w.ask())
		for _, c := range []struct {
			at   time.Duration
			want int
		}{{29 * time.Second, 1}, {40 * time.Second, 2}, {179 * time.Second, 2}, {190 * time.Second, 3}, {9 * time.Minute, 3}, {9*time.Minute + 50*time.Second, 4}, {10 * time.Minute, 4}} {
			time.Sleep(time.Until(begin.Add(c.at)))
			if n := w.bank.verifies(); n != c.want {
				t.Errorf("%d questions after %s, want %d", n, c.at, c.want)
			}
		}
		w.wantState(rec.Ref, payment.Declined)
	})
}

// A delivery that must not be repeated is on the disk before the shop is called,
// and so is whose visit it was (rules 7 and 11); one that may be repeated costs
// no sync.
func TestRule7ADeliveryIsDurableBeforeTheShopIsCalled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy engine.Policy
		track  *payment.Track
		synced int
	}{
		"idempotent":               {engine.Policy{}, nil, 0},
		"idempotent, with a track": {engine.Policy{}, &payment.Track{ID: "trk", Affiliate: "hamekar"}, 1},
		"once":                     {engine.Policy{Once: true}, nil, 1},
		"once, with a track":       {engine.Policy{Once: true}, &payment.Track{ID: "trk", Affiliate: "hamekar"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.shop.policy = c.policy })
				res := w.Admit(t.Context(), w.stranger("K1", "101"))
				w.halt() // no worker takes part
				before := w.store.Synced
				d := engine.Delivery{Via: payment.ViaBrowser, Browser: "b", Track: c.track, Policy: c.policy}
				_, err := w.Deliver(t.Context(), res.Record, d, func(_ context.Context, rec *payment.Record) engine.Handed {
					if rec.State != payment.Delivering || w.store.Synced-before != c.synced {
						t.Errorf("%d durable commits, want %d", w.store.Synced-before, c.synced)
					}
					return engine.Handed{Acked: true, Status: 200}
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A61: ids that a provider does not know, however many, say nothing about the
// provider: the breaker stays closed, and a genuine return is asked for.
func TestInventedIDsDoNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}}
		})
		defer w.halt()
		for i := range 60 {
			a := w.stranger(fmt.Sprintf("X%d", i), "101")
			a.Client = fmt.Sprintf("192.0.2.%d", i)
			w.Admit(t.Context(), a)
		}
		if w.bank.verifies() < 50 {
			t.Fatalf("only %d questions: this shows nothing", w.bank.verifies())
		}
		w.announce()
		w.bank.play(paid(payment.OutcomePaid))
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
			t.Errorf("%+v", res)
		}
	})
}

// A payment is not settled without its customer where nothing is known to hand
// it over with: its money goes back by itself (rule 8).
func TestRule8NothingIsCapturedThatCannotBeDelivered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		rec, err := w.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Amount: 50000})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		if v, i := w.bank.asked(); v != 0 || i != 0 {
			t.Errorf("asked %d and %d times", v, i)
		}
		if s := w.record(rec.Ref).State; s.Captured() {
			t.Errorf("it is %s", s)
		}
	})
}

// A network can't be told of a refund, so it is not told before the shop has
// credited (rule 11): not of what is verified, being delivered, parked or in
// review.
func TestRule11NothingIsReportedBeforeItIsDelivered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy engine.Policy
		answer payment.Answer
		gone   bool
		handed engine.Handed
		state  payment.State
	}{
		"verified, and no site takes it": {answer: paid(payment.OutcomePaid), gone: true, state: payment.Verified},
		"delivering":                     {answer: paid(payment.OutcomePaid), handed: engine.Handed{Status: 500}, state: payment.Delivering},
		"parked":                         {policy: engine.Policy{Once: true}, answer: paid(payment.OutcomePaid), handed: engine.Handed{Status: 500}, state: payment.Parked},
		"review":                         {answer: payment.Answer{Outcome: payment.OutcomeDoubt, Reason: payment.ReasonUnrecognised}, state: payment.Review},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.shop.policy, w.shop.gone, w.shop.answers = c.policy, c.gone, []engine.Handed{c.handed}
					w.bank.script = []payment.Answer{c.answer}
				})
				defer w.halt()
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				time.Sleep(6 * time.Hour)
				if w.wantState(rec.Ref, c.state); w.net.count() != 0 {
					t.Errorf("reported %d times", w.net.count())
				}
			})
		})
	}
}
