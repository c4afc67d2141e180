package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// line is a turnstile that a test turns.
type line struct {
	mu           sync.Mutex
	came, inside int
	most         int // at once
	open         chan struct{}
}

func (l *line) pass(ctx context.Context) (leave func()) {
	l.mu.Lock()
	l.came++
	l.inside++
	l.most = max(l.most, l.inside)
	l.mu.Unlock()
	select {
	case <-l.open:
	case <-ctx.Done():
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.inside--
	}
}

func (l *line) count() (came, inside int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.came, l.inside
}

// A return that proves nothing is written down in a turn of its own, one for all copies of it.
// A return with proof, and one that is answered without writing anything, takes none.
func TestStrangersAreRecordedInTurn(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 64, 600} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}}
				})
				defer w.halt()
				for i := range 25 { // what may be asked about at once is used up
					w.Admit(t.Context(), w.stranger(fmt.Sprint("U", i), fmt.Sprint("U", i)))
				}
				l := &line{open: make(chan struct{})}
				var all sync.WaitGroup
				for i := range n {
					for range 3 { // copies
						all.Go(func() {
							a := w.stranger(fmt.Sprint("X", i), fmt.Sprint("X", i))
							a.Client, a.Turn = fmt.Sprintf("198.51.100.%d", i%200), l.pass
							if res := w.Admit(context.Background(), a); res.Kind != engine.Pending {
								t.Errorf("the answer is %s", res.Kind)
							}
						})
					}
				}
				synctest.Wait()
				came, inside := l.count()
				if came != n || inside != n {
					t.Errorf("%d returns, three copies each: %d came for a turn, %d wait", n, came, inside)
				}
				for i := range n {
					ref := payment.NewRef("shop", idpayTraits.Issuer, fmt.Sprint("X", i), fmt.Sprint("X", i))
					if _, err := w.store.Get(t.Context(), ref); !errors.Is(err, payment.ErrNotFound) {
						t.Errorf("%d is on record before its turn, %v", i, err)
						break
					}
				}

				// Meanwhile a customer with proof comes: nothing is waited for.
				w.announce()
				w.bank.mu.Lock()
				w.bank.script = append([]payment.Answer{paid(payment.OutcomePaid)}, w.bank.script...)
				w.bank.mu.Unlock()
				a := w.ask()
				a.Turn = func(context.Context) func() { t.Error("a customer took a turn"); return func() {} }
				if res := w.Admit(t.Context(), a); res.Kind != engine.Verified {
					t.Errorf("the customer's answer is %s", res.Kind)
				}

				close(l.open)
				all.Wait()
				if _, inside := l.count(); inside != 0 {
					t.Errorf("%d turns never ended", inside)
				}
				for i := range n {
					w.record(payment.NewRef("shop", idpayTraits.Issuer, fmt.Sprint("X", i), fmt.Sprint("X", i)))
				}
				// Who is on record waits for the worker, and is written nowhere again.
				before, _ := l.count()
				a = w.stranger("X0", "X0")
				a.Turn = l.pass
				w.Admit(t.Context(), a)
				if after, _ := l.count(); after != before {
					t.Error("a return that is on record took another turn")
				}
			})
		})
	}
}

// A press of Pay asks the provider after its turn, and holds one of the places of creates
// meanwhile: however many press, no more wait for turns than there are places. One
// who leaves starts nothing, and one over the rate takes no turn.
func TestAPressOfPayWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	const places, waiting = 16, 64
	for _, n := range []int{1, places, places + 1, places + waiting, places + waiting + 1, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, c := flooded(t, time.Minute)
				defer w.halt()
				l := &line{open: make(chan struct{})}
				press := func(ctx context.Context, client, order string) error {
					_, _, err := w.Purchase(ctx, engine.Purchase{
						Site: "shop", Route: "/callback idpay", Provider: "idpay", Client: client, Order: order, Amount: 50000, Item: "x",
						Ref: payment.CheckoutRef("shop", idpayTraits.Issuer, order), ReturnURL: "https://shop/r", Return: payment.Return{URI: "/r"},
						Turn: l.pass,
					})
					return err
				}
				created := func() int { c.mu.Lock(); defer c.mu.Unlock(); return c.n }
				var all sync.WaitGroup
				var mu sync.Mutex
				started, refused := 0, 0
				ctx, leave := context.WithCancel(t.Context())
				for i := range n {
					from := t.Context()
					if i%2 == 1 {
						from = ctx
					}
					all.Go(func() {
						err := press(from, fmt.Sprintf("198.51.%d.%d", i/250, i%250), fmt.Sprint("o", i))
						mu.Lock()
						defer mu.Unlock()
						var many *engine.TooManyError
						switch {
						case err == nil:
							started++
						case errors.As(err, &many) && many.RetryAfter > 0:
							refused++
						default:
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				if came, _ := l.count(); came != min(n, places) || created() != 0 {
					t.Errorf("%d came for a turn, %d payments were started before it", came, created())
				}
				mu.Lock()
				if refused != max(0, n-places-waiting) {
					t.Errorf("%d of %d heard at once that there are too many", refused, n)
				}
				mu.Unlock()
				leave()
				synctest.Wait()
				if created() != 0 {
					t.Errorf("%d payments were started for browsers that have left", created())
				}
				close(l.open)
				all.Wait()
				if started != created() || started+refused != n || n < places && started != (n+1)/2 {
					t.Errorf("of %d, %d were started, %d refused; the provider started %d", n, started, refused, created())
				}
				if _, inside := l.count(); inside != 0 || l.most > places {
					t.Errorf("%d turns never ended, %d waited for one at once", inside, l.most)
				}

				// A client over its rate.
				for i := range 10 {
					if err := press(t.Context(), "192.0.2.9", fmt.Sprint("p", i)); err != nil {
						t.Fatal(err)
					}
				}
				for i := range 10 {
					before, _ := l.count()
					var many *engine.TooManyError
					err := press(t.Context(), "192.0.2.9", fmt.Sprint("q", i))
					after, _ := l.count()
					if took := errors.As(err, &many); took == (after != before) {
						t.Errorf("press %d: %v, and %d turns", i, err, after-before)
					}
				}
			})
		})
	}
}
