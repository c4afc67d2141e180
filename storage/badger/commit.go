package badger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/journal"
)

func apply(txn *bdb.Txn, writes []write) error {
	for _, w := range writes {
		var err error
		if w.Del {
			err = txn.Delete(w.Key)
		} else {
			err = txn.Set(w.Key, w.Value)
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
	writes := make([][]write, len(batch))
	for i, c := range batch {
		writes[i] = c.writes
	}
	// The journal first: from now on the death of the process takes nothing
	// back, and a disk without room says so before Badger has begun.
	if err := s.record(ts, writes...); err != nil {
		if errors.Is(err, journal.ErrBroken) {
			s.poison(err)
			err = s.brokenErr()
		} else {
			err = s.refusal(err)
		}
		for _, c := range batch {
			c.answer(err)
		}
		return err
	}
	for _, c := range batch {
		s.due.begin(c.due)
	}
	s.promiseLazy(ts, batch)
	synced := make(chan error, 1)
	go func() { synced <- s.journal.Sync() }()
	err := s.commitRetrying(txn, ts, batch)
	if serr := <-synced; err == nil {
		err = serr
	}
	if err != nil {
		s.poison(err)
		err = s.brokenErr()
	} else {
		s.last = ts
		s.readers.settle(ts)
		s.due.finish()
		s.discard(ts)
	}
	for _, c := range batch {
		if err == nil && c.settled != nil {
			c.settled()
		}
		if err == nil && !c.chore {
			s.commits.Add(1)
		}
		if !c.lazy {
			c.answer(err)
		}
	}
	s.tidy()
	return err
}

// tidy keeps the journal short while much is written; otherwise the chores do.
func (s *Store) tidy() {
	if n := s.journal.Old(); n != s.segments {
		s.segments = n
		if err := s.shorten(); err != nil {
			s.log().Warn("shortening the journal", zap.String("dir", s.dir), zap.Error(err))
		}
		s.segments = s.journal.Old()
	}
}

func (s *Store) commitRetrying(txn *bdb.Txn, ts uint64, batch []*change) error {
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
	return err
}

// commitAt gives the batch to Badger, which does not sync it: the journal's sync,
// beside it, is what makes the batch durable.
func (s *Store) commitAt(txn *bdb.Txn, ts uint64) error {
	if hook := s.cfg.commitHook; hook != nil {
		if err := hook(ts); err != nil {
			return err
		}
	}
	return txn.CommitAt(ts, nil)
}

// promiseLazy lets the callers of lazy changes go on before the sync: the journal
// holds the batch, which the death of the process can't take back, and readers
// wait until the store has it.
func (s *Store) promiseLazy(ts uint64, batch []*change) {
	if !slices.ContainsFunc(batch, func(c *change) bool { return c.lazy }) {
		return
	}
	s.readers.promise(ts, batch)
	for _, c := range batch {
		if c.lazy {
			c.answer(nil)
		}
	}
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
