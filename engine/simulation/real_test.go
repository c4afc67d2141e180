package simulation

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger"
)

// realStore is the embedded store as it is, with its writer and its disk, beside
// the simulated ledger: whatever the engine does is done to both, which must give
// the same answers, and the engine lives with those of the real one. What is
// unrelated comes at the same time, more than the writer takes at once.
//
// A bubble can't wait for what a disk does, so all happens on a goroutine outside.
type realStore struct {
	dir      string
	calls    chan func()
	done     chan struct{}
	store    atomic.Pointer[badger.Store]
	open     sync.RWMutex // held by who uses the store
	stop     chan struct{}
	crowd    sync.WaitGroup
	asked    int
	openings int
	crowded  atomic.Int64
	differs  error
}

// many is how many unrelated commits come at once: more than a batch takes.
const many = 300

func newRealStore(t *testing.T) *realStore {
	t.Helper()
	r := &realStore{dir: filepath.Join(t.TempDir(), "ledger"), calls: make(chan func()), done: make(chan struct{}), stop: make(chan struct{})}
	go func() {
		for f := range r.calls {
			f()
			r.done <- struct{}{}
		}
	}()
	r.reopen()
	r.crowd.Go(r.bustle)
	t.Cleanup(func() {
		close(r.stop)
		r.crowd.Wait()
		r.do(func(s *badger.Store) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		close(r.calls)
	})
	return r
}

func (r *realStore) do(f func(*badger.Store)) {
	r.calls <- func() {
		r.open.RLock()
		defer r.open.RUnlock()
		r.asked++
		f(r.store.Load())
	}
	<-r.done
}

// mostOpenings bounds how often it is opened, which takes its time.
const mostOpenings = 3

// reopen is what a process finds that starts.
func (r *realStore) reopen() {
	if r.openings++; r.openings > mostOpenings {
		return
	}
	r.calls <- func() {
		r.open.Lock()
		defer r.open.Unlock()
		if s := r.store.Load(); s != nil {
			r.must(s.Close())
		}
		s, err := badger.Open(r.dir)
		r.must(err)
		r.store.Store(s)
	}
	<-r.done
}

func (r *realStore) must(err error) {
	if err != nil {
		r.differ("the real store: %v", err)
	}
}

func (r *realStore) differ(format string, args ...any) {
	if r.differs == nil {
		r.differs = fmt.Errorf(format, args...)
	}
}

// bustle commits what has nothing to do with the world, many at once.
func (r *realStore) bustle() {
	at := time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC)
	for n := 0; ; n++ {
		select {
		case <-r.stop:
			return
		case <-time.After(40 * time.Millisecond):
		}
		r.open.RLock()
		s := r.store.Load()
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				id := itoa(n*many + i)
				rec := &payment.Record{
					Ref: payment.NewRef("elsewhere.example", "bystander", id, id), Site: "elsewhere.example", Provider: "bystander", Issuer: "bystander",
					ID: id, Order: id, State: payment.Declined, CreatedAt: at, UpdatedAt: at,
				}
				if err := s.Commit(context.Background(), payment.Change{Record: rec, Lazy: i%2 == 0}); err == nil {
					r.crowded.Add(1)
				}
			})
		}
		all.Wait()
		r.open.RUnlock()
	}
}

// suit leaves out of a world what a disk does not do for a test: to lose what it
// has not synced, and to become an older one.
func (r *realStore) suit(p *plan) {
	p.on[powerCut], p.on[ledgerLost], p.on[backupRestored] = 0, 0, 0
}

func (r *realStore) commit(c payment.Change, now *payment.Record, want error) (err error) {
	r.do(func(s *badger.Store) { err = s.Commit(context.Background(), c) })
	var a, b *payment.TakenError
	switch {
	case err == nil && want == nil:
		if c.Record.Version != now.Version {
			r.differ("version %d of %s, simulated %d", c.Record.Version, now.Ref, now.Version)
		}
	case errors.As(err, &a) && errors.As(want, &b) && *a == *b:
	case errors.Is(err, payment.ErrConflict) && errors.Is(want, payment.ErrConflict):
	default:
		r.differ("a commit of %s as %s: %v, simulated: %v", now.Ref, now.State, err, want)
	}
	return err
}

func (r *realStore) get(ref payment.Ref, want *payment.Record) (got *payment.Record) {
	r.do(func(s *badger.Store) {
		var err error
		if got, err = s.Get(context.Background(), ref); err != nil && !errors.Is(err, payment.ErrNotFound) {
			r.must(err)
		}
	})
	switch {
	case (got == nil) != (want == nil):
		r.differ("%s: %v, simulated %v", ref, got, want)
	case got != nil && (got.Version != want.Version || got.State != want.State || !got.Earliest().Equal(want.Earliest())):
		r.differ("%s: %s of version %d, simulated %s of version %d", ref, got.State, got.Version, want.State, want.Version)
	}
	return got
}

func (r *realStore) holder(k payment.Key, want payment.Ref, held bool) {
	r.do(func(s *badger.Store) {
		got, err := s.Holder(context.Background(), k)
		if got != want || (err == nil) != held {
			r.differ("the %s is held by %q (%v), simulated by %q", k.Kind, got, err, want)
		}
	})
}

func (r *realStore) reserve(k payment.Key) {
	r.do(func(s *badger.Store) {
		_, err := s.Reserve(context.Background(), []payment.Key{k})
		r.must(err)
	})
}

func (r *realStore) forget(ref payment.Ref, version uint64, want error) {
	r.do(func(s *badger.Store) {
		if err := s.Forget(context.Background(), ref, version); !errors.Is(err, want) {
			r.differ("forgetting %s: %v, simulated: %v", ref, err, want)
		}
	})
}

func (r *realStore) due(t time.Time, limit int, want []payment.Ref) {
	r.do(func(s *badger.Store) {
		got, err := s.Due(context.Background(), t, limit)
		r.must(err)
		if a, b := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)); !slices.Equal(a, b) {
			r.differ("due are %v, simulated %v", a, b)
		}
	})
}

// realSeeds is how many worlds are lived over the real store.
func realSeeds() int {
	if raceEnabled {
		return 3
	}
	return 6
}

// TestRealWriter lives a few worlds over the real embedded store.
func TestRealWriter(t *testing.T) {
	h, lived := newHits(), 0
	for seed := uint64(1); lived < realSeeds(); seed++ {
		if raceEnabled && seed == 1 {
			continue // the longest of them
		}
		if p := newPlan(newLot(seed, 3)); p.joined || len(p.shoppers) < 2 {
			continue
		}
		lived++
		beside := newRealStore(t)
		v := simulate(t, seed, limits{real: beside}, h)
		if err := errors.Join(v.err, beside.differs); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		t.Logf("seed %d: %d steps, %d operations beside %d commits of others", seed, v.steps, beside.asked, beside.crowded.Load())
	}
}
