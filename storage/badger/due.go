package badger

import (
	"context"
	"encoding/binary"
	"math"
	"sync"
	"time"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// dueFloor knows below which time the due index is empty. A record leaves a
// deleted entry behind for every time that it was due. Without the floor, each look
// for work would read those of all payments since the last compaction.
type dueFloor struct {
	scan turn // one scan at a time

	mu     sync.Mutex
	floor  uint64
	during uint64 // lowest added since the running scan began
	flight uint64 // lowest in the commit under way
}

func (d *dueFloor) init() {
	d.scan = newTurn()
	d.during, d.flight = math.MaxUint64, math.MaxUint64
}

// begin is called before a commit, finish after it is settled. What is under
// way may be missing from a scan's snapshot and yet be there for the next.
func (d *dueFloor) begin(due uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.floor, d.during, d.flight = min(d.floor, due), min(d.during, due), min(d.flight, due)
}

func (d *dueFloor) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.floor, d.during, d.flight = min(d.floor, d.flight), min(d.during, d.flight), math.MaxUint64
}

func (d *dueFloor) start() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.during = math.MaxUint64
	return d.floor
}

// end raises the floor to what a scan found to be the first entry.
func (d *dueFloor) end(first uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.floor = min(first, d.during, d.flight)
}

// Due implements [payment.Store].
func (s *Store) Due(ctx context.Context, t time.Time, limit int) ([]payment.Ref, error) {
	if err := ctx.Err(); err != nil || limit <= 0 {
		return nil, err
	}
	if err := s.due.scan.take(ctx); err != nil {
		return nil, err
	}
	defer s.due.scan.give()
	var refs []payment.Ref
	until := packed.Time(t)
	floor := s.due.start()
	first := max(floor, until)
	err := s.view(ctx, func(txn *bdb.Txn) error {
		it := txn.NewIterator(keysOnly([]byte{tableDue}))
		defer it.Close()
		for it.Seek(timed(tableDue, floor, nil)); it.Valid() && len(refs) < limit; it.Next() {
			key := it.Item().Key()
			at := binary.BigEndian.Uint64(key[1:])
			if at > until {
				break
			}
			if len(refs) == 0 {
				first = at
			}
			refs = append(refs, payment.RefOf(key[1+timeSize:]))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.due.end(first)
	return refs, nil
}

func keysOnly(prefix []byte) bdb.IteratorOptions {
	return bdb.IteratorOptions{Prefix: prefix}
}
