package badger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

func apply(txn *bdb.Txn, writes []write) error {
	for _, w := range writes {
		var err error
		if w.del {
			err = txn.Delete(w.key)
		} else {
			err = txn.Set(w.key, w.value)
		}
		if err != nil {
			return fmt.Errorf("staging a change: %w", err)
		}
	}
	return nil
}

// commit makes a batch durable. It is the one place where something can fail
// with an outcome that nobody knows.
func (s *Store) commit(txn *bdb.Txn, batch []*change) error {
	ts := s.last + 1
	for _, c := range batch {
		s.due.begin(c.due)
	}
	early := s.promiseLazy(ts, batch)
	err := s.commitAt(txn, ts)
	for try := 0; errors.Is(err, bdb.ErrConflict) && try < maxConflicts; try++ {
		// Nobody else writes, so this is a collision of Badger's key hashes.
		time.Sleep(rand.N(time.Millisecond << try)) //nolint:gosec // jitter
		again := s.db.NewTransactionAt(s.last, true)
		for _, c := range batch {
			if err = apply(again, c.writes); err != nil {
				break
			}
		}
		if err == nil {
			err = s.commitAt(again, ts)
		}
		again.Discard()
	}
	if err != nil {
		s.poison(err)
		err = s.brokenErr()
	} else {
		s.last = ts
		s.readers.settle(ts)
		s.due.finish()
		if early {
			s.slot.clear()
		}
		s.discard(ts)
	}
	for _, c := range batch {
		if err == nil && c.settled != nil {
			c.settled()
		}
		if err == nil && !c.chore {
			s.commits.Add(1)
		}
		if !early || !c.lazy {
			c.done <- err
		}
	}
	return err
}

// commitAt waits until the write-ahead log is synced.
func (s *Store) commitAt(txn *bdb.Txn, ts uint64) error {
	if hook := s.cfg.commitHook; hook != nil {
		if err := hook(ts); err != nil {
			return err
		}
	}
	return txn.CommitAt(ts, nil)
}

// promiseLazy lets the callers of lazy changes go on before the sync: the slot
// holds the batch until the store has it, and readers wait for it.
func (s *Store) promiseLazy(ts uint64, batch []*change) bool {
	lazy := false
	for _, c := range batch {
		lazy = lazy || c.lazy
	}
	if !lazy || s.cfg.noJournal {
		return false
	}
	if err := s.slot.put(ts, batch); err != nil {
		s.log().Warn("lazy changes wait for the disk", zap.Error(err))
		return false
	}
	s.readers.promise(ts, batch)
	for _, c := range batch {
		if c.lazy {
			c.done <- nil
		}
	}
	return true
}

// discard lets compaction drop versions that nobody reads any more. Badger also
// forgets by it which commits a conflict is looked for in.
func (s *Store) discard(ts uint64) {
	if ts%64 == 0 {
		s.db.SetDiscardTs(s.readers.oldest())
	}
}

func (s *Store) poison(cause error) {
	s.broken.CompareAndSwap(nil, &cause)
	s.readers.breakAll()
	s.log().Error("a commit failed with unknown outcome; the store refuses to write until it is opened again",
		zap.String("dir", s.dir), zap.Error(cause))
}

func (s *Store) brokenErr() error {
	if cause := s.broken.Load(); cause != nil {
		return fmt.Errorf("%w: %w", payment.ErrBroken, *cause)
	}
	return payment.ErrBroken
}

func getCopy(txn *bdb.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if errors.Is(err, bdb.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	v, err := item.ValueCopy(nil)
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	if v == nil {
		v = []byte{}
	}
	return v, nil
}
