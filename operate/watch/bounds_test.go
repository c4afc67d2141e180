package watch

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// What is remembered of events is bounded, below, at, above and far above each bound: what
// is known stays known and is kept up to date, however much else comes.
func TestWhatIsWatchedIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_790_000_000, 0)
	for name, c := range map[string]struct {
		most int
		note func(w *Watch, i int)
		size func(w *Watch) int
		// beyond is what stands for all that are more.
		beyond int
		// last is how often, or in which state, the first is known.
		first func(w *Watch) int
	}{
		"refused calls of relays": {most: mostRelayed, beyond: 1,
			note: func(w *Watch, i int) {
				w.Note(engine.Event{Name: engine.EventRelayStranger, Site: strconv.Itoa(i)})
			},
			size:  func(w *Watch) int { return len(w.relayed) },
			first: func(w *Watch) int { return w.relayed[relayedKey{engine.EventRelayStranger, "0"}].N },
		},
		"providers": {most: maxNames,
			note: func(w *Watch, i int) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.provider(engine.Event{Provider: strconv.Itoa(i)}).told += "x"
			},
			size:  func(w *Watch) int { return len(w.providers) },
			first: func(w *Watch) int { return len(w.providers["0"].told) },
		},
		"shops": {most: maxNames,
			note: func(w *Watch, i int) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.shop(&payment.Record{Site: strconv.Itoa(i)}, engine.Event{Name: engine.EventMissed}, now)
			},
			size:  func(w *Watch) int { return len(w.shops) },
			first: func(w *Watch) int { return w.shops["0"].Fails },
		},
	} {
		for _, n := range []int{1, c.most - 1, c.most, c.most + 1, 3 * c.most} {
			w := New(func() time.Time { return now })
			for i := range n {
				c.note(w, i)
			}
			if got := c.size(w); got != min(n, c.most+c.beyond) {
				t.Errorf("%s: %d of %d are remembered", name, got, n)
			}
			c.note(w, 0)
			if got := c.first(w); got != 2 {
				t.Errorf("%s, %d: the first is known to have come %d times, want 2", name, n, got)
			}
		}
	}
}

// However many places strangers invent, trouble of another kind, and how often it came, is
// still told.
func TestInventedPlacesHideNoTrouble(t *testing.T) {
	t.Parallel()
	for _, n := range []int{mostRelayed - 1, mostRelayed, mostRelayed + 1, 100 * mostRelayed} {
		w := New(func() time.Time { return time.Unix(1_790_000_000, 0) })
		for i := range n {
			w.Note(engine.Event{Name: engine.EventForeignReturn, Site: strconv.Itoa(i) + ".shops.test"})
		}
		for range 2 {
			w.Note(engine.Event{Name: engine.EventRelayDown, Site: "shop.test", Err: errors.New("no room")})
		}
		told, foreign := Relayed{}, 0
		for _, r := range w.Relayed() {
			if r.Event == engine.EventForeignReturn {
				foreign += r.N
			} else {
				told = r
			}
		}
		if want := map[bool]string{true: "shop.test", false: Elsewhere}[n < mostRelayed]; told.Where != want || told.N != 2 || told.Why != "no room" || foreign != n {
			t.Errorf("%d invented places: %+v, %d foreign returns", n, told, foreign)
		}
	}
}

// What waits for somebody is remembered up to a bound; what waits no longer makes room.
func TestWaitersAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_790_000_000, 0)
	rec := func(i int, s payment.State) *payment.Record {
		return &payment.Record{Ref: payment.Ref(strconv.Itoa(i)), State: s}
	}
	for _, n := range []int{1, mostWaiting - 1, mostWaiting, mostWaiting + 1, 2 * mostWaiting} {
		w := tally{all: make(map[payment.Ref]Waiter)}
		for i := range n {
			w.note(rec(i, payment.Review), now)
		}
		if got := len(w.all); got != min(n, mostWaiting) {
			t.Errorf("%d: %d are remembered", n, got)
		}
		w.note(rec(0, payment.Parked), now)
		if got := w.all["0"].State; got != payment.Parked {
			t.Errorf("%d: the first is still %s", n, got)
		}
		w.note(rec(0, payment.Delivered), now)
		w.note(rec(n, payment.Review), now)
		if _, ok := w.all[payment.Ref(strconv.Itoa(n))]; !ok || len(w.all) != min(n, mostWaiting) {
			t.Errorf("%d: what waits no longer made no room", n)
		}
	}
}

// The shops that are kept for the next process are bounded; those that were tried last stay.
func TestFailingShopsAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, maxRecalled - 1, maxRecalled, maxRecalled + 1, 3 * maxRecalled} {
		now := time.Unix(1_790_000_000, 0)
		w := New(func() time.Time { return now })
		for i := range n {
			now = now.Add(time.Second)
			w.Note(engine.Event{Name: engine.EventMissed, Record: &payment.Record{Ref: "r", Site: strconv.Itoa(i), State: payment.Verified}})
		}
		kept := w.FailingShops()
		if _, ok := kept[strconv.Itoa(n-1)]; len(kept) != min(n, maxRecalled) || !ok {
			t.Errorf("%d: %d are kept, the last of them: %t", n, len(kept), ok)
		}
	}
}

// looked counts the look-ups of payments.
type looked struct {
	*memory.Store
	n int
}

func (l *looked) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	l.n++
	return l.Store.Get(ctx, ref)
}

// A recount looks up so many of the payments that have been on their way for long. What it
// doesn't look up counts as waiting until the next.
func TestLookUpsOfOneRecountAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_790_000_000, 0)
	for _, n := range []int{0, 1, flyingMost - 1, flyingMost, flyingMost + 1, 5 * flyingMost} {
		store := &looked{Store: memory.New(nil)}
		w := New(func() time.Time { return now.Add(flyingFor) })
		for i := range n {
			w.waiting.all[payment.Ref(strconv.Itoa(i))] = Waiter{Ref: payment.Ref(strconv.Itoa(i)), State: payment.Verified, Since: now, flying: true}
		}
		if err := w.Recount(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		all, _ := w.Waiters()
		if store.n != min(n, flyingMost) || len(all) != max(n-flyingMost, 0) { // those that were looked up are not in the ledger
			t.Errorf("%d: %d look-ups, %d wait", n, store.n, len(all))
		}
	}
}
