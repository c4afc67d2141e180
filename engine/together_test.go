package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// jittery is a store that takes its time, a different one each time, so that
// whoever came together is apart a moment later.
type jittery struct{ *memory.Store }

func (s jittery) Get(ctx context.Context, r payment.Ref) (*payment.Record, error) {
	time.Sleep(rand.N(20 * time.Millisecond))
	return s.Store.Get(ctx, r)
}

func (s jittery) Commit(ctx context.Context, c payment.Change) error {
	time.Sleep(rand.N(20 * time.Millisecond))
	return s.Store.Commit(ctx, c)
}

// together brings n returns within a moment and says what they were told.
func (w *world) together(e *engine.Engine, n int, ask func(int) engine.Ask) map[engine.Kind]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	kinds := make(map[engine.Kind]int)
	for i := range n {
		all.Go(func() {
			time.Sleep(rand.N(60 * time.Millisecond))
			a := ask(i)
			a.Patience = time.Minute
			res := e.Admit(w.t.Context(), a)
			mu.Lock()
			defer mu.Unlock()
			kinds[res.Kind]++
			if errors.Is(res.Err, payment.ErrConflict) {
				w.t.Errorf("a conflict is a matter among ourselves: %v", res.Err)
			}
		})
	}
	all.Wait()
	return kinds
}

// Returns of one payment that come together are told the same, whoever wrote
// first, and whether the payment was announced or only the provider can explain it:
// one call is made, and none of them is refused or sent to wait while that one is
// under way.
func TestReturnsOfOnePaymentThatComeTogether(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 24, 257} {
		for _, announced := range []bool{true, false} {
			for _, took := range []time.Duration{0, 10 * time.Millisecond, time.Second} {
				t.Run(fmt.Sprintf("%d, announced %v, %s", n, announced, took), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, func(w *world) { w.bank.took = took })
						defer w.halt()
						e := w.on(jittery{w.store})
						if announced {
							w.announce()
						}
						kinds := w.together(e, n, func(int) engine.Ask {
							if announced {
								return w.ask()
							}
							return w.stranger("K1", "101")
						})
						if kinds[engine.Verified] != n || w.bank.verifies() != 1 {
							t.Errorf("%v, %d verify calls", kinds, w.bank.verifies())
						}
						if err := e.Close(t.Context()); err != nil {
							t.Error(err)
						}
					})
				})
			}
		}
	}
}

// Returns of many payments that come together, three of each, are seen to at once
// where they are announced. Strangers' are verified or put on record, up to what one
// client may have waiting; none meets a conflict, and all that was put on record is
// verified in its turn.
func TestReturnsOfManyPaymentsThatComeTogether(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 24, 257} {
		for _, announced := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d, announced %v", n, announced), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(w *world) { w.bank.echo = true })
					defer w.halt()
					e := w.on(jittery{w.store})
					if announced {
						for i := range n {
							if _, err := e.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: fmt.Sprint("K", i), Order: fmt.Sprint(i), Amount: 50000}); err != nil {
								t.Fatal(err)
							}
						}
					}
					kinds := w.together(e, 3*n, func(i int) engine.Ask {
						a := w.stranger(fmt.Sprint("K", i%n), fmt.Sprint(i%n))
						a.Client = fmt.Sprintf("192.0.2.%d", i%n)
						if announced {
							a.Expect = nil
						}
						return a
					})
					if ok := kinds[engine.Verified]; announced && ok != 3*n || ok+kinds[engine.Pending] != 3*n {
						t.Errorf("%v", kinds)
					}
					time.Sleep(10 * time.Minute)
					page, err := w.store.List(t.Context(), payment.Listing{States: []payment.State{payment.Verified, payment.Delivered, payment.Delivering, payment.Parked}, Limit: 1000})
					if err != nil || len(page.Records) != n || w.bank.verifies() != n {
						t.Errorf("%d of %d verified with %d calls (%v)", len(page.Records), n, w.bank.verifies(), err)
					}
					if err := e.Close(t.Context()); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}
