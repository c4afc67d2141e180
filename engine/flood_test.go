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

// crowd is a provider with many payments: inquiries take a while, ids of paid are
// paid, and the first verify of one of reset is lost.
type crowd struct {
	*bank
	mu    sync.Mutex
	paid  map[string]bool
	reset map[string]bool
	at    map[string]time.Time // when it was verified
	n     int
}

func newCrowd(b *bank) *crowd {
	return &crowd{bank: b, paid: make(map[string]bool), reset: make(map[string]bool), at: make(map[string]time.Time)}
}

func (c *crowd) answer(q payment.Query, o payment.Outcome) payment.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.paid[q.ID] {
		return payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}
	}
	if o == payment.OutcomePaid {
		if c.reset[q.ID] {
			delete(c.reset, q.ID)
			return payment.Answer{}
		}
		c.at[q.ID] = time.Now()
	}
	return payment.Answer{Outcome: o, Receipt: &payment.Receipt{ID: q.ID, Order: q.Order, Amount: 50000, Number: "1" + q.ID}}
}

func (c *crowd) Verify(_ context.Context, q payment.Query) payment.Answer {
	time.Sleep(700 * time.Millisecond)
	return c.answer(q, payment.OutcomePaid)
}

func (c *crowd) Inquire(_ context.Context, q payment.Query) payment.Answer {
	time.Sleep(700 * time.Millisecond)
	if a := c.answer(q, payment.OutcomeAwaiting); a.Outcome == payment.OutcomeAwaiting {
		return a
	}
	return payment.Answer{Outcome: payment.OutcomeOpen}
}

func (c *crowd) Create(context.Context, payment.Order) (payment.Started, error) {
	time.Sleep(700 * time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	id := fmt.Sprint("C", c.n)
	return payment.Started{ID: id, PayURL: "https://bank.example/" + id}, nil
}

func (c *crowd) verified(id string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at[id]
}

// flooded is a world whose provider is a crowd.
func flooded(t *testing.T, tick time.Duration) (*world, *crowd) {
	t.Helper()
	w := newWorld(t)
	w.halt()
	c := newCrowd(w.bank)
	e, err := engine.New(t.Context(), engine.Config{
		Store: w.store, Sites: w.shop, Observer: w.events, Rand: func() float64 { return 0.5 }, Tick: tick,
		Providers: map[string]engine.Provider{"idpay": {Provider: c, Timeout: 8 * time.Second}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = e
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.done = stop, make(chan struct{})
	go func() { e.Run(ctx); close(w.done) }()
	return w, c
}

// Thousands of intents that nobody pays hold up no claimed payment for more than a
// moment, and a customer who closes the tab behind them is settled inside the
// window.
func TestABacklogOfIdleIntentsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for _, backlog := range []int{0, 600, 6_000} {
		t.Run(fmt.Sprint(backlog), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, c := flooded(t, time.Second)
				defer w.halt()
				announce := func(id string) {
					if _, err := w.Announce(t.Context(), engine.Announcement{
						Site: "shop", Provider: "idpay", ID: id, Order: id, Amount: 50000, Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"},
					}); err != nil {
						t.Fatal(err)
					}
				}
				for i := range backlog {
					announce(fmt.Sprint("I", i))
				}
				c.paid["TAB"], c.reset["BACK"] = true, true
				announce("TAB")
				announce("BACK")
				began := time.Now()
				time.Sleep(65 * time.Second) // all are due
				c.mu.Lock()
				c.paid["BACK"] = true
				c.mu.Unlock()
				a := w.ask()
				a.Claimed.ID, a.Claimed.Order, a.Order = "BACK", "BACK", "BACK"
				w.Admit(t.Context(), a)
				came := time.Now()
				time.Sleep(10 * time.Second)
				if took := c.verified("BACK").Sub(came); took <= 0 || took > 3*time.Second {
					t.Errorf("a claimed payment whose first answer was lost was verified after %s", took)
				}
				time.Sleep(9*time.Minute - 75*time.Second)
				if took := c.verified("TAB").Sub(began); took <= 0 || took > 9*time.Minute {
					t.Errorf("a closed tab was settled after %s", took)
				}
			})
		})
	}
}

// Presses of Pay: a client has its rate beyond a short burst, all together have
// places of their own, and what nobody claims is forgotten.
func TestPressesOfPay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := flooded(t, time.Minute)
		defer w.halt()
		orders := 0
		var mu sync.Mutex
		press := func(client string) error {
			mu.Lock()
			orders++
			order := fmt.Sprint("o", orders)
			mu.Unlock()
			_, _, err := w.Purchase(t.Context(), engine.Purchase{
				Site: "shop", Route: "/callback idpay", Provider: "idpay", Client: client, Order: order, Amount: 50000, Item: "x",
				Ref: payment.CheckoutRef("shop", idpayTraits.Issuer, order), ReturnURL: "https://shop/r", Return: payment.Return{URI: "/r"},
			})
			return err
		}
		var many *engine.TooManyError
		for n, client := range map[int]string{9: "192.0.2.1", 10: "192.0.2.2", 11: "192.0.2.3"} {
			refused := 0
			for range n {
				if err := press(client); errors.As(err, &many) {
					refused++
				} else if err != nil {
					t.Fatal(err)
				}
			}
			// Each press takes 0.7 s, in which 0.23 of another comes free.
			if refused != 0 {
				t.Errorf("%d presses: %d refused", n, refused)
			}
		}
		start, let := time.Now(), 0
		for time.Since(start) < 10*time.Minute {
			if err := press("2001:db8:1:" + fmt.Sprint(let%7) + "::/64"); err == nil {
				let++
			} else if !errors.As(err, &many) || many.RetryAfter <= 0 {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if let < 200 || let > 215 {
			t.Errorf("one /48 started %d payments in ten minutes", let)
		}
		// A crowd of clients: as many as there are places for, the rest hears at once.
		var all sync.WaitGroup
		started, refused, slowest := 0, 0, time.Duration(0)
		for i := range 3000 {
			all.Go(func() {
				began := time.Now()
				err := press(fmt.Sprint("198.51.", i/250, ".", i%250))
				mu.Lock()
				defer mu.Unlock()
				if slowest = max(slowest, time.Since(began)); err == nil {
					started++
				} else if errors.As(err, &many) {
					refused++
				} else {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if started < 80 || started > 100 || started+refused != 3000 || slowest > 5*time.Second {
			t.Errorf("%d started, %d refused, the slowest after %s", started, refused, slowest)
		}
		time.Sleep(9 * 24 * time.Hour)
		page, err := w.store.List(t.Context(), payment.Listing{Limit: 1000})
		if err != nil || len(page.Records) != 0 {
			t.Errorf("%d payments that nobody claimed are still on record, %v", len(page.Records), err)
		}
	})
}

// Genuine customers without any proof beside a flood of inventions from many
// addresses are asked for inside the window.
func TestGenuineReturnsBesideAFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, c := flooded(t, time.Second)
		defer w.halt()
		stop := make(chan struct{})
		var flood sync.WaitGroup
		kinds := map[engine.Kind]int{}
		var mu sync.Mutex
		flood.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Second / 320):
				}
				a := w.stranger(fmt.Sprint("X", i), fmt.Sprint(i))
				a.Client = fmt.Sprintf("10.0.%d.%d", i%3, i%100)
				if i%2 == 0 {
					a.Client = fmt.Sprintf("2001:db8:7:%x::/64", i%65536)
				}
				flood.Go(func() {
					res := w.Admit(t.Context(), a)
					mu.Lock()
					kinds[res.Kind]++
					mu.Unlock()
				})
			}
		})
		time.Sleep(time.Minute)
		began := make(map[string]time.Time)
		var customers sync.WaitGroup
		for i := range 5 {
			id := fmt.Sprint("G", i)
			c.mu.Lock()
			c.paid[id] = true
			c.mu.Unlock()
			began[id] = time.Now()
			customers.Go(func() {
				a := w.stranger(id, id)
				a.Client = fmt.Sprint("203.0.113.", i)
				for range 60 { // the page refreshes itself
					if res := w.Admit(t.Context(), a); res.Kind == engine.Verified || res.Kind == engine.Duplicate {
						return
					}
					time.Sleep(5 * time.Second)
				}
			})
			time.Sleep(10 * time.Second)
		}
		customers.Wait() // each stays for five minutes at most
		close(stop)
		flood.Wait()
		for id, at := range began {
			if took := c.verified(id).Sub(at); took <= 0 || took > 3*time.Minute {
				t.Errorf("%s was verified after %s", id, took)
			}
		}
		if kinds[engine.Busy] == 0 {
			t.Errorf("the room is never full: %v", kinds)
		}
	})
}

// A kept visit has a rate by client.
func TestVisitsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		n := 0
		for range 1000 {
			if w.MayVisit("192.0.2.1") {
				n++
			}
		}
		if n != 120 || !w.MayVisit("192.0.2.2") {
			t.Errorf("%d visits at once", n)
		}
		time.Sleep(time.Minute)
		for n = 0; w.MayVisit("192.0.2.1"); n++ {
		}
		if n < 59 || n > 61 {
			t.Errorf("%d more after a minute", n)
		}
	})
}
