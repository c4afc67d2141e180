package badger

import (
	"sync"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
)

// readers knows at which versions people read: at the newest that is settled,
// and, for those who began earlier, at what was. Versions that nobody reads any
// more may be dropped by compaction.
type readers struct {
	mu      sync.Mutex
	wake    sync.Cond
	settled uint64 // newest version that is durable and visible
	lazy    uint64 // newest version with a change whose caller has gone on
	broken  bool
	active  map[uint64]int
}

func (r *readers) init(ts uint64) {
	r.wake.L = &r.mu
	r.settled = ts
	r.active = make(map[uint64]int)
}

// begin gives the version to read at. It waits only for lazy changes that
// somebody was told of and that are not settled yet.
func (r *readers) begin() (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for want := r.lazy; r.settled < want; {
		if r.broken {
			return 0, payment.ErrBroken
		}
		r.wake.Wait()
	}
	r.active[r.settled]++
	return r.settled, nil
}

// hold keeps a version that was settled from being dropped, until end.
func (r *readers) hold(ts uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active[ts]++
}

func (r *readers) end(ts uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active[ts]--; r.active[ts] == 0 {
		delete(r.active, ts)
	}
}

func (r *readers) settle(ts uint64) {
	r.mu.Lock()
	r.settled = ts
	r.mu.Unlock()
	r.wake.Broadcast()
}

func (r *readers) promise(ts uint64) {
	r.mu.Lock()
	r.lazy = ts
	r.mu.Unlock()
}

func (r *readers) breakAll() {
	r.mu.Lock()
	r.broken = true
	r.mu.Unlock()
	r.wake.Broadcast()
}

// oldest is the version below which nobody reads.
func (r *readers) oldest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	low := r.settled
	for ts := range r.active {
		low = min(low, ts)
	}
	return low
}

// view runs f on a snapshot of everything that was committed when it began.
func (s *Store) view(f func(*bdb.Txn) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.exit()
	ts, err := s.readers.begin()
	if err != nil {
		return err
	}
	defer s.readers.end(ts)
	txn := s.db.NewTransactionAt(ts, false)
	defer txn.Discard()
	return f(txn)
}
