package badger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/commit"
	"github.com/rahgir/caddy-payments/storage/badger/journal"
)

// This file gives the queue of changes its transactions, which are Badger's, and the
// journal.

type (
	change = commit.Change
	getter = commit.Getter
	write  = commit.Write
)

const (
	maxBatch     = 256
	maxConflicts = 5
)

// newQueue gives the queue, at the version that Badger has come to.
func (s *Store) newQueue() *commit.Queue {
	q := commit.New(commit.Config{
		Begin: func(version uint64) commit.Tx {
			return &tx{Txn: s.db.NewTransactionAt(version, true), recent: &s.recent}
		},
		Record:   s.recordBatch,
		Commit:   s.commitBatch,
		Admit:    func(grows bool) error { return s.disk.Allow(grows) },
		Settled:  s.settled,
		Answered: s.tidy,
		Broke:    s.broke,
		Errors:   commit.Errors{Closed: payment.ErrClosed, Broken: payment.ErrBroken, Damaged: ErrDamaged, Unknown: journal.ErrBroken},

		MaxChanges: maxBatch,
		// What is one batch is one frame of the journal as well.
		MaxSize:    min(int(s.db.MaxBatchSize())*9/10, journal.MaxPayload/2),
		MaxEntries: int(s.db.MaxBatchCount()) * 9 / 10,
	})
	q.Advance(s.db.MaxVersion())
	return q
}

// tx is a transaction of Badger's as the queue uses it.
type tx struct {
	*bdb.Txn
	recent *recent
	meta   bool // it has written to tableMeta
}

func (t *tx) Get(key []byte) ([]byte, error) {
	if key[0] != tableMeta {
		return getCopy(t.Txn, key)
	}
	if v, known := t.recent.meta[string(key)]; known {
		return v, nil
	}
	v, err := getCopy(t.Txn, key)
	if err == nil && !t.meta {
		t.recent.read(key, v)
	}
	return v, err
}

func (t *tx) Apply(writes []write) error {
	for _, w := range writes {
		t.recent.forget(w.Key)
		t.meta = t.meta || w.Key[0] == tableMeta
	}
	return apply(t.Txn, writes)
}

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

// recordBatch writes a batch into the journal before Badger has begun: from then on
// the death of the process takes nothing back, and a disk without room has said so.
func (s *Store) recordBatch(ts uint64, batch []*change) error {
	writes := make([][]write, len(batch))
	for i, c := range batch {
		writes[i] = c.Writes()
	}
	err := s.journal.record(ts, writes...)
	if err == nil || errors.Is(err, journal.ErrBroken) {
		return err
	}
	s.disk.Check()
	s.log().Error("the journal refused a change: nothing was written", zap.String("dir", s.dir), zap.Error(err))
	return fmt.Errorf("%w: %w", payment.ErrFull, err)
}

// commitBatch makes a batch durable: by the journal's sync, beside which Badger takes
// it without a sync of its own.
func (s *Store) commitBatch(ts uint64, t commit.Tx, batch []*change) error {
	synced := make(chan error, 1)
	go func() { synced <- s.journal.Sync() }()
	err := s.commitRetrying(t.(*tx).Txn, ts, batch) //nolint:forcetypeassert // newQueue made it
	if serr := <-synced; err == nil {
		err = serr
	}
	return err
}

func (s *Store) commitRetrying(txn *bdb.Txn, ts uint64, batch []*change) error {
	err := s.commitAt(txn, ts)
	for try := 0; errors.Is(err, bdb.ErrConflict) && try < maxConflicts; try++ {
		// Nobody else writes, so this is a collision of Badger's key hashes.
		time.Sleep(rand.N(time.Millisecond << try)) //nolint:gosec // jitter
		again := s.db.NewTransactionAt(ts-1, true)
		for _, c := range batch {
			if err = apply(again, c.Writes()); err != nil {
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

func (s *Store) commitAt(txn *bdb.Txn, ts uint64) error {
	if hook := s.cfg.commitHook; hook != nil {
		if err := hook(ts); err != nil {
			return err
		}
	}
	return txn.CommitAt(ts, nil)
}

// settled lets compaction drop versions that no reader uses any more. Badger also uses
// it to forget old commits, in which it looks for conflicts.
func (s *Store) settled(ts uint64) {
	s.due.finish()
	if ts%64 == 0 {
		s.db.SetDiscardTs(s.queue.Oldest())
	}
}

// tidy shortens the journal whenever a segment was begun; when little is written, the
// chores do.
func (s *Store) tidy() {
	if n := s.journal.Old(); n != s.journal.segments {
		if err := s.journal.shorten(inTables(s.db)); err != nil {
			s.log().Warn("shortening the journal", zap.String("dir", s.dir), zap.Error(err))
		}
		s.journal.segments = s.journal.Old()
	}
}

func (s *Store) broke(cause error, damaged bool) {
	text := "a commit failed with unknown outcome; the store refuses to write until it is opened again"
	if damaged {
		text = "the store is damaged: it serves nothing until it has been repaired and reopened"
	}
	s.log().Error(text, zap.String("dir", s.dir), zap.Error(cause))
}

// view runs f on a snapshot of everything that was committed when it began. If
// keys are given, f reads nothing else, and the snapshot may be older for other keys.
func (s *Store) view(ctx context.Context, f func(*bdb.Txn) error, keys ...[]byte) error {
	return s.queue.View(ctx, func(version uint64) error {
		txn := s.db.NewTransactionAt(version, false)
		defer txn.Discard()
		return f(txn)
	}, keys...)
}

// value reads one key; nil for one that is missing.
func (s *Store) value(ctx context.Context, key []byte) (v []byte, err error) {
	err = s.view(ctx, func(txn *bdb.Txn) (err error) {
		v, err = getCopy(txn, key)
		return err
	}, key)
	return v, err
}

// getCopy gives nil for a key that is missing.
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

// Interface guard.
var _ commit.Tx = (*tx)(nil)
