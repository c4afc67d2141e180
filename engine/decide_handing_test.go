package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Nobody decides on a payment while the shop is being told of it: what the shop credits would
// be reversed in the books. Before and after, and when the process that told it has died, a
// person may.
func TestNobodyDecidesDuringAHandOver(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{true, false} {
		for name, ends := range map[string]engine.Handed{"acked": {Acked: true}, "ambiguous": {}, "unsent": {Unsent: true}} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.bank.took = 0 })
				defer w.halt()
				w.shop.policy.Once = once
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				decide := func() error {
					_, err := w.Decide(context.Background(), rec.Ref, w.record(rec.Ref).Version, payment.DecideRepaid, payment.Note{By: "sara", Text: "991"})
					return err
				}
				_, err := w.Deliver(context.Background(), w.record(rec.Ref), w.byBrowser(), func(context.Context, *payment.Record) engine.Handed {
					for range 3 {
						if err := decide(); !errors.Is(err, engine.ErrNotPossible) {
							t.Errorf("%s, once %v: a decision during the hand-over: %v", name, once, err)
						}
						time.Sleep(30 * time.Second)
					}
					w.wantState(rec.Ref, payment.Delivering)
					return ends
				})
				if err != nil {
					t.Fatal(err)
				}
				was := w.record(rec.Ref)
				if want := map[string][]payment.State{"acked": {payment.Delivered}, "ambiguous": {payment.Parked, payment.Delivering, payment.Verified}, "unsent": {payment.Verified}}[name]; !slices.Contains(want, was.State) || was.HasDecided(payment.DecideRepaid) {
					t.Errorf("%s, once %v: it ends %s (%s)", name, once, was.State, was.Reason)
				}
				if err := decide(); err != nil {
					t.Errorf("%s, once %v: a decision on %s after the hand-over: %v", name, once, was.State, err)
				}
				w.wantState(rec.Ref, payment.Reversed)
			})
		}
	}
}

// A hand-over whose process has died holds nobody up.
func TestDecideAfterADeadHandOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.took = 0 })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		dead := w.record(rec.Ref)
		now := w.store.Now()
		if err := dead.StartDelivery(payment.ViaBrowser, "browser", now, payment.Lease{Owner: "another", Until: now.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		dead.Due = now.Add(time.Hour)
		if err := w.store.Commit(context.Background(), payment.Change{Record: dead}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Decide(context.Background(), rec.Ref, dead.Version, payment.DecideRepaid, payment.Note{By: "sara", Text: "991"}); err != nil {
			t.Error(err)
		}
		w.wantState(rec.Ref, payment.Reversed)
	})
}
