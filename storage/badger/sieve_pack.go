package badger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

const (
	// sieveSize is how many payments one sieve is of, more where several were created
	// in one nanosecond.
	sieveSize = 512
	// sieveAge is how old payments are whose sieve is made: most have got all that they
	// are found by.
	sieveAge = 15 * time.Minute
	// sieveMost is how many sieves are made in one change, and sievePause the rest
	// between two.
	sieveMost  = 32
	sieveEvery = time.Minute
	sievePause = 5 * time.Millisecond
)

// sieving is the making of sieves.
type sieving struct {
	one sync.Mutex // one making at a time
	// until is below which time no entry may be written while sieves are made, 0 while
	// none are; late is whether one was written all the same.
	until atomic.Uint64
	late  atomic.Bool
}

// wrote is told what a change is about to write, by the goroutine that writes.
func (s *sieving) wrote(ws []write) {
	until := s.until.Load()
	if until == 0 {
		return
	}
	for _, w := range ws {
		if w.Key[0] == tableCreated && ^binary.BigEndian.Uint64(w.Key[1:]) < until {
			s.late.Store(true)
		}
	}
}

// errLate: payments that were just put through a sieve have changed meanwhile.
var errLate = errors.New("payments changed while their sieve was made")

// sieve makes the sieves of payments that are old enough, and reports whether there may
// be more to do.
//
// Invariant: a sieve has all entries of its time. So what is staged from here on is
// watched, what was staged before is waited for, and only then the entries are read; if
// one of them is written before the sieve is, the sieve is dropped.
func (s *Store) sieve(ctx context.Context) (more bool, err error) {
	s.sieving.one.Lock()
	defer s.sieving.one.Unlock()
	until := packed.Time(s.Now().Add(-sieveAge))
	s.sieving.late.Store(false)
	s.sieving.until.Store(until)
	defer s.sieving.until.Store(0)
	nothing := func(getter) ([]write, error) { return nil, nil }
	if err := s.queue.Submit(&change{Ctx: ctx, Internal: true, Stage: nothing}); err != nil {
		return false, err
	}
	var ws []write
	boundary := uint64(0)
	err = s.view(ctx, func(txn *bdb.Txn) (err error) {
		ws, boundary, err = makeSieves(txn, until, s.cfg.sieveSize)
		return err
	})
	if err != nil || len(ws) == 0 {
		return false, err
	}
	s.cfg.sieving()
	ws = append(ws, write{Key: metaBoundary, Value: encodeHigh(boundary)})
	err = s.queue.Submit(&change{Ctx: ctx, Internal: true, Stage: func(getter) ([]write, error) {
		if s.sieving.late.Load() {
			return nil, errLate
		}
		return ws, nil
	}})
	return len(ws) > sieveMost, err
}

// makeSieves makes sieves of the oldest entries that have none, and says up to which time
// they reach.
func makeSieves(txn *bdb.Txn, until uint64, size int) (ws []write, boundary uint64, err error) {
	b, err := getCopy(txn, metaBoundary)
	if err != nil {
		return nil, 0, err
	}
	boundary = decodeHigh(b)
	// From the boundary towards the newest, against the order of the keys.
	it := txn.NewIterator(bdb.IteratorOptions{Prefix: []byte{tableCreated}, Reverse: true})
	defer it.Close()
	var entries [][]byte
	last := boundary
	for it.Seek(timed(tableCreated, ^boundary, bytes.Repeat([]byte{0xff}, refSize))); it.Valid() && len(ws) < sieveMost; it.Next() {
		t := ^binary.BigEndian.Uint64(it.Item().Key()[1:])
		if t >= until {
			break
		}
		if len(entries) >= size && t > last { // the last one's time is whole
			ws = append(ws, write{Key: sieveKey(boundary), Value: newSieve(t, entries)})
			boundary, entries = t, nil
		}
		v, err := it.Item().ValueCopy(nil)
		if err != nil {
			return nil, 0, err
		}
		entries, last = append(entries, v), t
	}
	return ws, boundary, nil
}

// sieveLoop makes sieves as payments grow old.
func (s *Store) sieveLoop(ctx context.Context) {
	defer s.chores.Done()
	tick := time.Tick(sieveEvery)
	for {
		if s.disk.Ready() == nil {
			if err := s.sieveAll(ctx); err != nil && !errors.Is(err, errLate) && ctx.Err() == nil && !s.queue.Broken() {
				s.log().Warn("indexing older payments; it is tried again", zap.String("dir", s.dir), zap.Error(err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// sieveAll makes all sieves that can be made now.
func (s *Store) sieveAll(ctx context.Context) error {
	for {
		more, err := s.sieve(ctx)
		if err != nil || !more {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(sievePause):
		}
	}
}
