package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// counter is a shop that is asked what orders cost: it knows those that begin with
// "real", and takes its time.
type counter struct {
	mu    sync.Mutex
	took  time.Duration
	asked map[string]int
	all   int
	// busiest is how many of its questions were open at once.
	open, busiest int
}

func (c *counter) price(id, order string) (payment.Expectation, error) {
	c.mu.Lock()
	if c.asked == nil {
		c.asked = make(map[string]int)
	}
	c.asked[order]++
	c.all++
	c.open++
	c.busiest = max(c.busiest, c.open)
	c.mu.Unlock()
	time.Sleep(c.took)
	c.mu.Lock()
	c.open--
	c.mu.Unlock()
	if !strings.HasPrefix(order, "real") {
		return payment.Expectation{}, engine.ErrUnknownOrder
	}
	return payment.Expectation{Amount: 50000, Source: payment.FromLookup, Unconsumed: id != ""}, nil
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

func lookedUp(w *world, c *counter, client, id, order string) engine.Ask {
	a := w.stranger(id, order)
	a.Client, a.Asks = client, true
	a.Expect = func(_ context.Context, id string) (payment.Expectation, error) { return c.price(id, order) }
	return a
}

// What strangers bring costs the shop no more questions than the pace lets through,
// however slow it is; each is told at once to wait while there is room, and only beyond
// that to come again. Whoever has paid is served, in the browser or without it.
func TestLookupsAreAskedInTurn(t *testing.T) {
	t.Parallel()
	for name, took := range map[string]time.Duration{"quick": 20 * time.Millisecond, "slow": 2900 * time.Millisecond} {
		for _, clients := range []int{1, 60} {
			t.Run(fmt.Sprintf("%s/%d", name, clients), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					shop := &counter{took: took}
					w := newWorld(t, func(w *world) { w.shop.priced, w.bank.echo = shop.price, true })
					defer w.halt()
					var mu sync.Mutex
					kinds := make(map[engine.Kind]int)
					var all sync.WaitGroup
					start := time.Now()
					for i := range 300 {
						client := fmt.Sprintf("203.0.113.%d", i%clients)
						all.Go(func() {
							res := w.Admit(t.Context(), lookedUp(w, shop, client, fmt.Sprintf("X%03d-invented", i), "none"))
							mu.Lock()
							kinds[res.Kind]++
							mu.Unlock()
						})
					}
					time.Sleep(100 * time.Millisecond)
					genuine := w.Admit(t.Context(), lookedUp(w, shop, "198.51.100.1", "REAL-0001-paid", "real1"))
					if genuine.Kind != engine.Pending && genuine.Kind != engine.Verified || genuine.Record == nil {
						t.Fatalf("a paying customer: %+v", genuine)
					}
					all.Wait()
					if answered := time.Since(start); answered > 9*time.Second {
						t.Errorf("answered after %s", answered)
					}
					waiting := kinds[engine.Pending]
					switch busy := kinds[engine.Busy]; {
					case clients == 1 && (waiting < 30 || waiting > 60 || busy == 0):
						t.Errorf("one client: %v", kinds)
					case clients == 60 && (busy > 0 || waiting < 200):
						t.Errorf("many clients: %v", kinds)
					}
					if n, most := shop.count(), 20+int(10*(time.Since(start).Seconds()+1)); n > most {
						t.Errorf("the shop was asked %d times in %s, at most %d", n, time.Since(start), most)
					}
					for time.Since(start) < 3*time.Minute && !w.record(genuine.Record.Ref).State.Captured() {
						time.Sleep(time.Second)
						if n, most := shop.count(), 20+int(10*(time.Since(start).Seconds()+1)); n > most {
							t.Fatalf("the shop was asked %d times in %s, at most %d", n, time.Since(start), most)
						}
					}
					if s := w.record(genuine.Record.Ref).State; !s.Captured() {
						t.Errorf("who paid is %s after three minutes", s)
					}
				})
			})
		}
	}
}

// An order that the shop doesn't know is refused in its turn, is asked about once, and
// is forgotten: its place in the room is free again.
func TestUnknownOrdersLeaveTheRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop := &counter{took: 10 * time.Millisecond}
		w := newWorld(t, func(w *world) { w.shop.priced, w.tick = shop.price, 5*time.Minute })
		defer w.halt()
		refs := make(map[payment.Ref]bool)
		for round := range 3 {
			for i := range 60 {
				res := w.Admit(t.Context(), lookedUp(w, shop, "203.0.113.1", fmt.Sprintf("X%d-%03d-invented", round, i), fmt.Sprintf("none%d-%d", round, i)))
				if res.Record != nil {
					refs[res.Record.Ref] = true
				}
			}
			time.Sleep(2 * time.Hour) // everybody's turn has come
		}
		if len(refs) < 60 {
			t.Errorf("%d were put on record", len(refs))
		}
		for ref := range refs {
			rec, err := w.store.Get(t.Context(), ref)
			if err != nil || rec.State != payment.Declined || rec.Reason != payment.ReasonUnknownOrder {
				t.Fatalf("%+v %v", rec, err)
			}
		}
		for order, n := range shop.asked {
			if n != 1 {
				t.Errorf("%s was asked about %d times", order, n)
			}
		}
		if w.bank.verifies() != 0 {
			t.Error("the provider was asked")
		}
		time.Sleep(31 * 24 * time.Hour) // the few that are kept for a person, too
		page, err := w.store.List(t.Context(), payment.Listing{})
		if err != nil || len(page.Records) != 0 {
			t.Errorf("%d inventions are still on record: %v", len(page.Records), err)
		}
	})
}

// A page that refreshes itself while the shop doesn't answer asks it no more often than
// the pace says.
func TestWaitingReturnsAskNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var mu sync.Mutex
		silent := func(string, string) (payment.Expectation, error) {
			mu.Lock()
			n++
			mu.Unlock()
			return payment.Expectation{}, engine.ErrUnanswered
		}
		w := newWorld(t, func(w *world) { w.shop.priced = silent })
		defer w.halt()
		a := w.stranger("REAL-0001-paid", "real1")
		a.Asks = true
		a.Expect = func(_ context.Context, id string) (payment.Expectation, error) { return silent(id, "real1") }
		for range 3_000 {
			if res := w.Admit(t.Context(), a); res.Kind != engine.Pending {
				t.Fatalf("%+v", res)
			}
		}
		if n > 25 {
			t.Errorf("3,000 returns of one payment asked the shop %d times", n)
		}
	})
}

// A shop that doesn't answer about some orders holds up nobody whose order it knows.
func TestUnansweredOrdersHoldUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop := &counter{took: 10 * time.Millisecond}
		answer := func(id, order string) (payment.Expectation, error) {
			if strings.HasPrefix(order, "odd") {
				return payment.Expectation{}, engine.ErrUnanswered
			}
			return shop.price(id, order)
		}
		w := newWorld(t, func(w *world) { w.shop.priced, w.bank.echo = answer, true })
		defer w.halt()
		bring := func(client, order string) engine.Result {
			a := lookedUp(w, shop, client, "ID-0001-"+order, order)
			a.Expect = func(_ context.Context, id string) (payment.Expectation, error) { return answer(id, order) }
			return w.Admit(t.Context(), a)
		}
		busy := 0
		for i := range 60 {
			res := bring("203.0.113.1", fmt.Sprintf("odd%d", i))
			if res.Kind == engine.Busy {
				busy++
			} else if res.Kind != engine.Pending || res.Record == nil {
				t.Fatalf("%+v", res)
			}
			time.Sleep(time.Second)
		}
		if busy == 0 || busy > 30 {
			t.Errorf("of 60 orders of one client %d were told to come again", busy)
		}
		for i := range 10 {
			if res := bring(fmt.Sprintf("198.51.100.%d", i), fmt.Sprintf("real%d", i)); res.Kind != engine.Verified {
				t.Errorf("customer %d: %v", i, res.Kind)
			}
			time.Sleep(time.Second)
		}
	})
}
