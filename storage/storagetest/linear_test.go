package storagetest

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// faulty is a ledger that breaks its promise now and then.
type faulty struct {
	payment.Store
	fault string

	mu  sync.Mutex
	src *rand.Rand
	old map[payment.Ref]*payment.Record
}

func (f *faulty) now() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.src.IntN(50) == 0
}

func (f *faulty) Commit(ctx context.Context, c payment.Change) error {
	if !f.now() {
		return f.Store.Commit(ctx, c)
	}
	switch f.fault {
	case "no compare-and-set":
		// Whatever was read, it is written over what is there now.
		if now, err := f.Store.Get(ctx, c.Record.Ref); err == nil {
			c.Record.Version = now.Version
		}
	case "no uniqueness":
		c.Take = nil
	case "lost":
		c.Record.Version++
		return nil
	case "half":
		// The keys without the record.
		other := c.Record.Clone()
		other.Ref, other.Version = payment.NewRef("elsewhere", "", "", c.Record.Code), 0
		if err := f.Store.Commit(ctx, payment.Change{Record: other, Take: c.Take}); err != nil {
			return err
		}
		c.Take = nil
	}
	return f.Store.Commit(ctx, c)
}

func (f *faulty) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	r, err := f.Store.Get(ctx, ref)
	if f.fault != "stale" || err != nil {
		return r, err
	}
	stale := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.old[ref]; stale && old != nil {
		return old.Clone(), nil
	}
	f.old[ref] = r
	return r, nil
}

func (f *faulty) Forget(ctx context.Context, ref payment.Ref, version uint64) error {
	if f.fault == "forgets nothing" && f.now() {
		return nil
	}
	return f.Store.Forget(ctx, ref, version)
}

// The check finds what it is there for: a ledger with one rare fault fails it
// within a few histories, one without passes.
func TestHistoriesFindFaults(t *testing.T) {
	for _, fault := range []string{"", "no compare-and-set", "no uniqueness", "lost", "half", "stale", "forgets nothing"} {
		s := &faulty{Store: memory.New(nil), fault: fault, src: rand.New(rand.NewPCG(1, 2)), old: map[payment.Ref]*payment.Record{}}
		var found error
		tried := 0
		for ; tried < 200 && found == nil; tried++ {
			h := newHistory(tried, []payment.Store{s})
			h.run()
			found = h.check()
		}
		if (found != nil) != (fault != "") {
			t.Errorf("%q: %v", fault, found)
			continue
		}
		t.Logf("%q: %d histories", fault, tried)
	}
}
