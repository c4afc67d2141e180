package watch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/memory"
)

func record(n int, st payment.State, why payment.Reason) *payment.Record {
	at := time.Date(2026, 3, 21, 8, 0, 0, n, time.UTC)
	return &payment.Record{
		Ref: payment.NewRef("shop", "i", string(rune('a'+n)), "o"), Site: "shop", Provider: "p", Issuer: "i", ID: string(rune('a' + n)), Order: "o",
		State: st, Reason: why, CreatedAt: at, UpdatedAt: at, Expect: payment.Expectation{Amount: 1000, Source: payment.FromIntent},
	}
}

// Whatever happens to payments, told or not, the tally is the ledger's after a recount;
// and before one it is right about all that was told.
func TestTallyIsTheLedgers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 21, 9, 0, 0, 0, time.UTC)
		store, w := memory.New(func() time.Time { return now }), New(func() time.Time { return now })
		records := make(map[int]*payment.Record)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			n := rapid.IntRange(0, 5).Draw(t, "payment")
			st := rapid.SampledFrom(payment.States()).Draw(t, "state")
			why := rapid.SampledFrom([]payment.Reason{"", payment.ReasonUnreachable, payment.ReasonOwed}).Draw(t, "reason")
			r := record(n, st, why)
			if s := rapid.SampledFrom([]payment.RefundState{"", "", payment.RefundAsking, payment.RefundUnknown, payment.RefundDone}).Draw(t, "refund"); s != "" {
				r.Refunds = []payment.Refund{{State: s, Began: now}}
			}
			if old := records[n]; old != nil {
				r.Version = old.Version
			}
			if err := store.Commit(context.Background(), payment.Change{Record: r}); err != nil {
				t.Fatal(err)
			}
			records[n] = r
			if rapid.Bool().Draw(t, "told") {
				w.Note(engine.Event{Name: engine.EventReview, Record: r})
				if _, known := w.waiting.all[r.Ref]; known != (r.Waits() || st == payment.Verified || st == payment.Delivering) {
					t.Fatalf("%s %q waits: %v", st, why, known)
				}
			}
		}
		now = now.Add(time.Hour)
		if err := w.Recount(context.Background(), store); err != nil {
			t.Fatal(err)
		}
		for n, r := range records {
			x, known := w.waiting.all[r.Ref]
			flying := !r.Waits() && (r.State == payment.Verified || r.State == payment.Delivering)
			if r.Waits() && (!known || x.State != waiter(r).State || x.Reason != r.Reason) || known && !r.Waits() && !flying {
				t.Fatalf("payment %d is %s %q, and the tally has %+v (%v)", n, r.State, r.Reason, x, known)
			}
		}
	})
}

// What happens while the ledger is read wins over what was read.
func TestRecountBesideEvents(t *testing.T) {
	store, w := memory.New(time.Now), New(nil)
	old := record(1, payment.Review, payment.ReasonAmount)
	if err := store.Commit(context.Background(), payment.Change{Record: old}); err != nil {
		t.Fatal(err)
	}
	done := record(1, payment.Declined, payment.ReasonDismissed)
	during := hooked{store, func() { w.Note(engine.Event{Name: engine.EventDecided, Record: done}) }}
	if err := w.Recount(context.Background(), during); err != nil {
		t.Fatal(err)
	}
	if counts, _ := w.Waiting(); len(counts) != 0 {
		t.Errorf("a decided payment waits: %v", counts)
	}
	// A ledger that can't be read changes nothing.
	w.Note(engine.Event{Name: engine.EventReview, Record: old})
	store.Close()
	if err := w.Recount(context.Background(), store); err == nil {
		t.Error("a closed ledger was read")
	}
	if counts, oldest := w.Waiting(); counts[Key{payment.Review, "p"}] != 1 || oldest[payment.Review].IsZero() {
		t.Errorf("forgotten: %v %v", counts, oldest)
	}
}

// Several ask for a fresh count at the same time: doctor, the dashboard, the clock. All that was told
// holds when the last of them is done.
func TestRecountsBesideEachOther(t *testing.T) {
	for range 200 {
		store, w := memory.New(time.Now), New(nil)
		var wg sync.WaitGroup
		var payments []*payment.Record
		for n := range 4 {
			r := record(n, payment.Review, payment.ReasonAmount)
			if err := store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
				t.Fatal(err)
			}
			w.Note(engine.Event{Name: engine.EventReview, Record: r})
			payments = append(payments, r)
		}
		for range 3 {
			wg.Go(func() {
				if err := w.Recount(t.Context(), hooked{store, runtime.Gosched}); err != nil {
					t.Error(err)
				}
			})
		}
		for n, r := range payments {
			wg.Go(func() {
				done := record(n, payment.Declined, payment.ReasonDismissed)
				done.Version = r.Version
				if err := store.Commit(t.Context(), payment.Change{Record: done}); err != nil {
					t.Error(err)
				}
				w.Note(engine.Event{Name: engine.EventDecided, Record: done})
			})
		}
		wg.Wait()
		if counts, _ := w.Waiting(); len(counts) != 0 {
			t.Fatalf("decided payments wait: %v", counts)
		}
	}
}

// Nobody waits for another's count longer than for an own one.
func TestRecountWaitsNoLongerThanItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, w := memory.New(time.Now), New(nil)
		hangs := make(chan struct{})
		go func() { _ = w.Recount(t.Context(), hooked{store, func() { <-hangs }}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := w.Recount(ctx, store); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		close(hangs)
		synctest.Wait()
		if err := w.Recount(t.Context(), store); err != nil {
			t.Error(err)
		}
	})
}

type hooked struct {
	*memory.Store
	after func()
}

func (h hooked) List(ctx context.Context, q payment.Listing) (payment.Page, error) {
	page, err := h.Store.List(ctx, q)
	h.after()
	return page, err
}

// One failure is an accident, three in a row are trouble, and one answer ends it.
func TestProviderLines(t *testing.T) {
	w := New(nil)
	asked := func(outcome string) {
		w.Note(engine.Event{Name: engine.EventAsked, Provider: "p", Outcome: outcome, Err: errors.New("no answer")})
	}
	for n := 1; n <= 4; n++ {
		asked(engine.VerifyUnknown)
		if up := w.Provider("p").Up(); up != (n < failsMany) {
			t.Errorf("after %d failures it is up: %v", n, up)
		}
	}
	asked(engine.VerifyRefused)
	if !w.Provider("p").Up() {
		t.Error("it answers and is not up")
	}
	asked(engine.VerifyOperator)
	if p := w.Provider("p"); p.Up() || !p.Refusing {
		t.Error("it refuses our key and is up")
	}
	w.Note(engine.Event{Name: engine.EventStarting, Provider: "p", Outcome: engine.CreateRefused})
	w.Note(engine.Event{Name: engine.EventStarting, Provider: "p", Outcome: engine.CreateUnreachable})
	w.Note(engine.Event{Name: engine.EventStarting, Provider: "p", Outcome: engine.CreateBusy})
	if p := w.Provider("p"); p.Created.Fails != 2 {
		t.Errorf("%d payments were not started", p.Created.Fails)
	}
	w.Note(engine.Event{Name: engine.EventStarting, Provider: "p", Outcome: engine.CreateOK})
	if p := w.Provider("p"); !p.Up() || p.Created.Fails != 0 {
		t.Errorf("it starts payments again: %+v", p)
	}
	for range 2 * failsMany {
		w.Note(engine.Event{Name: engine.EventStarting, Provider: "p", Outcome: engine.CreateRefused, Err: fmt.Errorf("%w: no", engine.ErrSiteRefused)})
	}
	if p := w.Provider("p"); !p.Up() || p.Created.Fails != 0 {
		t.Errorf("what one site's Host brought about is the provider's trouble: %+v", p)
	}
	w.Keep([]string{"q"})
	if len(w.Providers()) != 1 || w.Providers()["p"] != (Provider{}) {
		t.Errorf("%v are kept", w.Providers())
	}
}

type sized struct {
	*memory.Store
	room int64
}

func (s *sized) Measure(context.Context) (storage.Measure, error) {
	return storage.Measure{Bytes: 1 << 20, Room: s.room, Nodes: 1}, nil
}

// The forecast is that of the pace, and there is none without one.
func TestForecast(t *testing.T) {
	now := time.Date(2026, 3, 21, 9, 0, 0, 0, time.UTC)
	store, w := &sized{memory.New(nil), 100 << 30}, New(func() time.Time { return now })
	for range 60 {
		w.Look(context.Background(), store, nil)
		now = now.Add(time.Minute)
	}
	if in, ok := w.Full(); ok {
		t.Errorf("a disk that does not fill is full in %s", in)
	}
	for range 60 {
		store.room -= 1 << 28
		w.Look(context.Background(), store, nil)
		now = now.Add(time.Minute)
	}
	in, ok := w.Full()
	if !ok || in < 5*time.Hour || in > 24*time.Hour {
		t.Errorf("full in %s, %v", in, ok)
	}
	// The disk is filled and cleared: what it was like meanwhile foretells nothing.
	for _, full := range []bool{true, false} {
		was := store.room
		if full {
			store.Store.Break(payment.ErrFull)
		} else {
			store.Store.Break(nil)
			store.room = 100<<30 - 1<<20 // payments were written, too
		}
		for range 30 {
			w.Look(context.Background(), store, nil)
			now = now.Add(time.Minute)
		}
		if in, ok := w.Full(); ok && in < LowSoon {
			t.Errorf("cleared to %d after %d: full in %s", store.room, was, in)
		}
	}
	store.Store.Break(payment.ErrFull)
	w.Look(context.Background(), store, nil)
	if l := w.Ledger(); l.Room != 0 || l.Trouble == "" {
		t.Errorf("a full ledger: %+v", l)
	}
	w.Look(context.Background(), nil, errors.New("not open"))
	if l := w.Ledger(); l.Room != 0 || l.Trouble != "not open" || l.Since.IsZero() {
		t.Errorf("a ledger that is not open: %+v", l)
	}
}

// What waits waits with the money that is there: of an order that was accepted for less, and
// of one that was refused while its money is with the shop, with what was paid.
func TestWaitersForLess(t *testing.T) {
	for _, c := range []struct {
		state       payment.State
		reason      payment.Reason
		found, paid payment.Rials
		want        payment.Rials
	}{
		{payment.Parked, payment.ReasonUnreachable, 1000, 1000, 1000},
		{payment.Parked, payment.ReasonUnreachable, 900, 900, 900},
		{payment.Parked, payment.ReasonUnreachable, 1100, 1100, 1000},
		{payment.Declined, payment.ReasonOwed, 900, 900, 900},
		{payment.Declined, payment.ReasonOwed, 1000, 1010, 1010},
		{payment.Declined, payment.ReasonOwed, 0, 0, 1000},
	} {
		r := &payment.Record{Ref: "r", State: c.state, Reason: c.reason, Expect: payment.Expectation{Amount: 1000, Source: payment.FromIntent}, Receipt: &payment.Receipt{Amount: c.found, Paid: c.paid}}
		if got := waiter(r).Amount; got != c.want {
			t.Errorf("%s (%s) with %d found and %d paid waits with %d, want %d", c.state, c.reason, c.found, c.paid, got, c.want)
		}
	}
}
