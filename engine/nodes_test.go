package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// F37: a database that fails over while we run begins a new generation. What it
// may have forgotten, and the provider calls settled before, a person looks at,
// although the payment was seen being made.
func TestRule4GenerationBeginsWhileRunning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		renew bool
		want  payment.State
	}{"the same generation": {false, payment.Verified}, "a new one": {true, payment.Review}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.bank.script = []payment.Answer{{}, paid(payment.OutcomeAgain)}
				})
				defer w.halt()
				rec := w.announce()
				w.Admit(t.Context(), w.ask()) // a time-out
				if c.renew {
					w.store.Renew()
				}
				time.Sleep(10 * time.Second)
				w.wantState(rec.Ref, c.want)
			})
		})
	}
}

// cluster is a store that other nodes share: it knows which of them is silent.
type cluster struct {
	*memory.Store
	silent   map[string]bool
	orphaned chan struct{}
}

func (c *cluster) Alive(l payment.Lease) bool {
	return l.Until.After(c.Now()) && !c.silent[l.Owner]
}
func (c *cluster) Orphaned() <-chan struct{} { return c.orphaned }

// What a node was doing is taken up when it falls silent, not when its lease
// would have ended.
func TestOrphansAreTakenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{Store: memory.New(nil), silent: make(map[string]bool), orphaned: make(chan struct{}, 1)}
		w := newWorld(t)
		w.halt()
		w.store, w.bank.store = c.Store, c.Store
		e, err := engine.New(t.Context(), engine.Config{
			Store: c, Sites: w.shop, Observer: w.events,
			Providers: map[string]engine.Provider{"idpay": {Provider: w.bank, Timeout: 20 * time.Second}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Engine = e
		rec := w.announce()
		if err := rec.StartAttempt(c.Now(), payment.Lease{Owner: "other", Until: c.Now().Add(47 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		if err := c.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go e.Run(ctx)
		time.Sleep(10 * time.Second)
		w.wantState(rec.Ref, payment.Verifying)
		c.silent["other"] = true
		c.orphaned <- struct{}{}
		time.Sleep(2 * time.Second)
		w.wantState(rec.Ref, payment.Verified)
		time.Sleep(time.Minute) // its customer may be on the way back
		w.wantState(rec.Ref, payment.Delivered)
		stop()
		synctest.Wait()
	})
}
