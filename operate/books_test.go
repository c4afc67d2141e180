package operate_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// slow is a ledger that takes long to list, and counts how often it is asked and how many
// ask at once.
type slow struct {
	*memory.Store
	takes time.Duration

	mu               sync.Mutex
	lists, now, most int
}

func (s *slow) List(ctx context.Context, q payment.Listing) (payment.Page, error) {
	s.mu.Lock()
	s.lists++
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	time.Sleep(s.takes)
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	return s.Store.List(ctx, q)
}

func (s *slow) counts() (lists, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists, s.most
}

func put(t *testing.T, s payment.Store, id string, f func(*payment.Record)) {
	t.Helper()
	now := time.Now().UTC()
	r := &payment.Record{
		Site: "shop", Provider: "p", Issuer: "i", Environment: "live", ID: id, Order: id, State: payment.Delivered, CreatedAt: now, UpdatedAt: now,
		Expect: payment.Expectation{Amount: 1000, Source: payment.FromIntent}, Attempts: payment.Attempts{Count: 1, Claimed: true},
	}
	f(r)
	r.Ref = payment.NewRef(r.Site, r.Issuer, r.ID, r.Order)
	if err := s.Commit(t.Context(), payment.Change{Record: r}); err != nil {
		t.Fatal(err)
	}
}

func counting(t *testing.T, takes time.Duration) (*engine.Engine, *slow) {
	t.Helper()
	s := &slow{Store: memory.New(nil), takes: takes}
	e, err := engine.New(t.Context(), engine.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

// A crowd that looks at the numbers has them counted once; what was counted is given out
// for twenty times as long as it took; and different questions are counted two at a time.
func TestCountIsBounded(t *testing.T) {
	e, s := counting(t, 100*time.Millisecond)
	put(t, s.Store, "1", func(*payment.Record) {})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got, err := operate.Count(t.Context(), e, payment.Listing{}); err != nil || got.Today.Total.Paid != 1 {
				t.Errorf("%+v %v", got.Today, err)
			}
		})
	}
	all.Wait()
	if lists, _ := s.counts(); lists > 2 {
		t.Errorf("the ledger was listed %d times for one question", lists)
	}
	for i := range 10 {
		all.Go(func() { _, _ = operate.Count(t.Context(), e, payment.Listing{Site: string(rune('a' + i))}) })
	}
	all.Wait()
	if _, most := s.counts(); most > 2 {
		t.Errorf("%d counts at once", most)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := operate.Count(ctx, e, payment.Listing{Site: "another"}); err == nil {
		t.Error("who waits no longer was answered")
	}
}

// A small ledger's numbers are never old; each day has its own, in Tehran; and decisions
// are listed, the newest first.
func TestCount(t *testing.T) {
	e, s := counting(t, 0)
	for i, at := range []time.Time{time.Now(), time.Now().AddDate(0, 0, -3), time.Now().AddDate(0, 0, -29), time.Now().AddDate(0, 0, -40)} {
		put(t, s.Store, string(rune('a'+i)), func(r *payment.Record) {
			r.CreatedAt = at.UTC()
			r.History = []payment.Entry{{At: at.UTC(), Kind: payment.EntryDecided, Code: "credited", By: "sara", Text: "seen", Was: "parked no_ack"}}
			if i == 1 {
				r.Site = "other"
			}
		})
	}
	got, err := operate.Count(t.Context(), e, payment.Listing{})
	if err != nil || got.Today.Total.Paid != 1 || got.Month.Total.Paid != 3 || len(got.Days) != 31 || !got.Month.Complete {
		t.Fatalf("%+v %v", got, err)
	}
	sum := 0
	for _, d := range got.Days {
		sum += d.Paid
	}
	if last := got.Days[30]; sum != 3 || last.Paid != 1 || last.PaidRials != 1000 || *last.Rate != 1 {
		t.Errorf("%d, %+v", sum, last)
	}
	if !slices.IsSortedFunc(got.Audit, func(a, b operate.Audited) int { return b.At.Compare(a.At) }) || len(got.Audit) != 3 || got.Audit[0].Was != "parked no_ack" {
		t.Errorf("%+v", got.Audit)
	}
	if of, err := operate.Count(t.Context(), e, payment.Listing{}, "shop"); err != nil || of.Month.Total.Paid != 2 {
		t.Errorf("%+v %v", of.Month, err)
	}
	put(t, s.Store, "new", func(*payment.Record) {})
	for end := time.Now().Add(5 * time.Second); ; {
		if got, err = operate.Count(t.Context(), e, payment.Listing{}); got.Today.Total.Paid == 2 || time.Now().After(end) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if got.Today.Total.Paid != 2 {
		t.Errorf("the new one is not counted: %+v %v", got.Today, err)
	}
	if got, _ = operate.Count(t.Context(), e, payment.Listing{From: time.Now().AddDate(0, 0, -50)}); got.Chosen == nil || got.Chosen.Total.Paid != 5 || len(got.Audit) != 4 {
		t.Errorf("%+v", got.Chosen)
	}
}

// A payment that a person accepted for less, and one that waits after that, count with what
// was paid, not with the price; a payer's fee, or more than the price, adds nothing.
func TestCountForLess(t *testing.T) {
	for _, state := range []payment.State{payment.Verified, payment.Delivering, payment.Delivered, payment.Parked} {
		for _, c := range []struct{ price, found, paid, want payment.Rials }{
			{1000, 1000, 1000, 1000}, {1000, 999, 999, 999}, {1000, 1, 1, 1}, {1000, 100, 0, 100}, {1000, 1000, 900, 900},
			{1000, 1001, 1001, 1000}, {1000, 1000, 1010, 1000}, {0, 700, 700, 700}, {1000, 0, 0, 1000},
		} {
			e, s := counting(t, 0)
			put(t, s.Store, "a", func(r *payment.Record) {
				r.State, r.Expect.Amount, r.Receipt = state, c.price, &payment.Receipt{Amount: c.found, Paid: c.paid}
			})
			got, err := operate.Count(t.Context(), e, payment.Listing{})
			if err != nil || got.Today.Total.Paid != 1 || got.Today.Total.PaidRials != int64(c.want) || got.Days[30].PaidRials != int64(c.want) {
				t.Errorf("%s: a price of %d, and %d was paid with %d by the payer: %+v %v", state, c.price, c.found, c.paid, got.Today.Total, err)
			}
		}
	}
}
