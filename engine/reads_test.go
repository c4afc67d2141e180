package engine_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// looking is a store that answers all that is asked of a return in one trip, as
// those of a disk do, and counts what is asked.
type looking struct {
	*memory.Store
	mu                 sync.Mutex
	gets, looks, holds int
	// before is called once, with the next claim on its way to the store.
	before func(*payment.Record)
}

func (s *looking) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

func (s *looking) asked() (gets, looks, holds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gets, looks, holds = s.gets, s.looks, s.holds
	s.gets, s.looks, s.holds = 0, 0, 0
	return gets, looks, holds
}

func (s *looking) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	s.count(&s.gets)
	return s.Store.Get(ctx, ref)
}

func (s *looking) Holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	s.count(&s.holds)
	return s.Store.Holder(ctx, k)
}

func (s *looking) Look(ctx context.Context, refs []payment.Ref, keys ...payment.Key) ([]*payment.Record, []payment.Held, error) {
	s.count(&s.looks)
	return payment.LookAll(ctx, s.Store, refs, keys...)
}

func (s *looking) Commit(ctx context.Context, c payment.Change) error {
	s.mu.Lock()
	before := s.before
	if c.Record.State == payment.Verifying {
		s.before = nil
	} else {
		before = nil
	}
	s.mu.Unlock()
	if before != nil {
		before(c.Record)
	}
	return s.Store.Commit(ctx, c)
}

// looked is a world with such a store, without a worker.
func looked(t *testing.T) (*world, *looking) {
	t.Helper()
	w := newWorld(t)
	w.halt()
	w.bank.echo = true
	s := &looking{Store: w.store}
	e, err := engine.New(t.Context(), engine.Config{
		Store: s, Sites: w.shop, Observer: w.events, Providers: w.Providers, Affiliates: w.Affiliates, Rand: func() float64 { return 0.5 },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = e
	return w, s
}

// An invented return costs one trip to the ledger, however many former names its
// site has and however many accounts of its gateway are configured, and a return that was
// announced is read once.
func TestAReturnIsReadOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s := looked(t)
		w.Admit(t.Context(), w.stranger("WARM", "1")) // the account is enrolled
		for _, former := range [][]string{nil, {"old"}, {"old", "older"}} {
			a := w.stranger("X1", "900")
			a.Expect, a.Formerly = nil, former // only what was announced counts
			s.asked()
			res := w.Admit(t.Context(), a)
			if gets, looks, holds := s.asked(); res.Kind != engine.Foreign || gets != 0 || looks != 1 || holds != 0 {
				t.Errorf("%d former names: %s after %d gets, %d looks, %d holders", len(former), res.Kind, gets, looks, holds)
			}
		}
		beside := maps.Clone(w.Providers)
		for i := range 3 {
			other := fmt.Sprint("other", i)
			beside[other] = account(w.bank, payment.Issuer("idpay", other, "live"))
			e, err := engine.New(t.Context(), engine.Config{
				Store: s, Sites: w.shop, Observer: w.events, Providers: beside, Affiliates: w.Affiliates, Rand: func() float64 { return 0.5 },
			})
			if err != nil {
				t.Fatal(err)
			}
			a := w.stranger("X1", "900")
			a.Expect = nil
			e.Admit(t.Context(), a) // the accounts are enrolled
			s.asked()
			res := e.Admit(t.Context(), a)
			if gets, looks, holds := s.asked(); res.Kind != engine.Foreign || gets != 0 || looks != 1 || holds != 0 {
				t.Errorf("%d accounts beside: %s after %d gets, %d looks, %d holders", i+1, res.Kind, gets, looks, holds)
			}
		}
		w.announce()
		s.asked()
		res := w.Admit(t.Context(), w.ask())
		// The record that the intent leads to; what its order is known by; what the
		// receipt is known by.
		if gets, looks, _ := s.asked(); res.Kind != engine.Verified || gets > 1 || looks > 3 {
			t.Errorf("an announced one: %s after %d gets and %d looks", res.Kind, gets, looks)
		}
	})
}

// A record that is passed on is met by its version: what somebody else wrote in the
// meantime counts, and nobody is asked on the strength of what it was before.
func TestARecordThatWasReadIsNoClaim(t *testing.T) {
	t.Parallel()
	for _, to := range []payment.State{payment.Verified, payment.Review, payment.Declined} {
		t.Run(fmt.Sprint(to), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, s := looked(t)
				rec := w.announce()
				s.before = func(*payment.Record) {
					now := w.record(rec.Ref)
					now.State, now.Attempts.Claimed = to, to != payment.Declined
					if to == payment.Verified {
						now.Receipt = &payment.Receipt{ID: now.ID, Order: now.Order, Amount: 50000}
					}
					if err := s.Store.Commit(context.Background(), payment.Change{Record: now}); err != nil {
						t.Error(err)
					}
				}
				res := w.Admit(t.Context(), w.ask())
				asked := w.bank.verifies()
				switch to {
				case payment.Declined: // a "no" that nobody claimed is asked about again
					if asked != 1 || res.Kind != engine.Verified {
						t.Errorf("%s after %d questions", res.Kind, asked)
					}
				default:
					if asked != 0 || res.Record == nil || res.Record.State != to {
						t.Errorf("%+v after %d questions", res, asked)
					}
				}
			})
		})
	}
}

// A question of the worker's own costs two reads of its record: one that finds whose
// turn it is in, and one when it is.
func TestADueRecordIsReadTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s := looked(t)
		w.Admit(t.Context(), w.stranger("WARM", "1")) // the account is enrolled
		w.bank.echo = false
		w.bank.play(payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonNoAnswer})
		w.announce()
		w.Admit(t.Context(), w.ask())
		time.Sleep(45 * time.Second) // what is verified waits a minute for its browser
		s.asked()
		asked := w.bank.verifies()
		if _, err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if gets, _, _ := s.asked(); w.bank.verifies() != asked+1 || gets != 2 {
			t.Errorf("%d questions, %d reads", w.bank.verifies()-asked, gets)
		}
	})
}
