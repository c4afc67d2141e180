package badger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
)

const (
	pruneEvery   = 10 * time.Minute
	compactEvery = 24 * time.Hour
	checkEvery   = 24 * time.Hour
	sumEvery     = 10 * time.Second
	// compactAfter is how many commits make a compaction worth while.
	compactAfter = 20_000
	pruneBatch   = 500
	// compactBelow is the size from which on levels fill, and thus compact, by
	// themselves; rewriting that much would also keep a closing store waiting.
	compactBelow = 512 * mib
)

// chores is what the store does in the background.
type chores struct {
	sync.WaitGroup
	stop   context.CancelFunc
	synced uint64 // commits when Badger's log was synced
}

// choreLoop does the background work. It does not keep the queue open between two
// chores, so that closing waits for one chore at most.
func (s *Store) choreLoop(ctx context.Context) {
	defer s.chores.Done()
	tick, prune, compact := time.Tick(s.cfg.tick), time.Tick(pruneEvery), time.Tick(compactEvery)
	check, sum := time.Tick(checkEvery), time.Tick(sumEvery)
	var compacted uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			s.disk.Check()
			s.giveFiles()
			if err := s.keepHigh(ctx); err != nil && ctx.Err() == nil {
				s.log().Warn("writing the generation file", zap.String("dir", s.dir), zap.Error(err))
			}
			if err := errors.Join(s.journal.keepNote(), s.journal.shorten(inTables(s.db))); err != nil {
				s.log().Warn("writing the journal's head", zap.String("dir", s.dir), zap.Error(err))
			}
			s.syncLog()
		case <-prune:
			s.prune(ctx)
		case <-check:
			s.checkTables(ctx, true)
		case <-sum:
			s.checkTables(ctx, false)
		case <-compact:
			if n := s.queue.Commits(); n-compacted >= compactAfter {
				compacted = n
				s.compact()
			}
		}
	}
}

// checkTables looks for tables that have rotted. A damaged store answers no caller.
func (s *Store) checkTables(ctx context.Context, all bool) {
	if err := s.tables.Check(ctx, s.db.Tables, all); err != nil {
		s.queue.Ruin(err)
	}
}

// syncLog lets Badger's own log follow the journal, so that after a power cut
// little has to be written again, and if the disk damages the journal, only what was
// written in the last moment is in it alone.
func (s *Store) syncLog() {
	n := s.queue.Commits()
	if n == s.chores.synced || s.queue.Broken() {
		return
	}
	if err := s.db.Sync(); err != nil {
		s.queue.Break(fmt.Errorf("syncing Badger's log: %w", err))
		return
	}
	s.chores.synced = n
}

// keepHigh writes down how far the store has come: inside first, so that the
// file never claims more than the store holds.
func (s *Store) keepHigh(ctx context.Context) error {
	n := s.queue.Commits()
	if n == s.gen.noted {
		return nil
	}
	var high uint64
	err := s.queue.Submit(&change{Ctx: ctx, Internal: true, Stage: func(getter) ([]write, error) {
		high = s.queue.Next()
		return []write{{Key: metaHigh, Value: encodeHigh(high)}}, nil
	}})
	if err != nil {
		return err
	}
	m := s.gen.filed
	m.High = high
	if err := generationfile.Write(s.cfg.generationFile, m); err != nil {
		return err
	}
	s.gen.filed, s.gen.noted = m, n
	return nil
}

// flushOnClose writes down how far the store has come, and its counts. No other caller
// is left.
func (s *Store) flushOnClose() error {
	if s.queue.Broken() || s.disk.Allow(false) != nil {
		return nil
	}
	writes := []write{{Key: metaHigh, Value: encodeHigh(s.queue.Last() + 1)}}
	if _, exact := s.Count(); exact {
		writes = append(writes, write{Key: metaClean, Value: s.encodeCounts()})
	}
	if err := s.commitNow(writes); err != nil {
		return err
	}
	m := s.gen.filed
	m.High = s.queue.Last()
	return generationfile.Write(s.cfg.generationFile, m)
}

func (s *Store) prune(ctx context.Context) {
	for {
		n, err := s.pruneTracks(ctx, pruneBatch)
		if err != nil && ctx.Err() == nil {
			s.log().Warn("deleting expired tracks", zap.Error(err))
		}
		if err != nil || n < pruneBatch {
			return
		}
	}
}

// compact frees the room of what was deleted or replaced. Small stores hardly ever
// compact by themselves.
func (s *Store) compact() {
	_ = s.queue.Within(func() error { // an error says that it is closed
		s.compactNow()
		return nil
	})
}

func (s *Store) compactNow() {
	if s.disk.Ready() != nil {
		return // a compaction needs room before it frees any
	}
	s.db.SetDiscardTs(s.queue.Oldest())
	var err error
	if size, _ := s.db.Size(); size < compactBelow {
		err = s.db.Flatten(1)
	}
	for err == nil {
		err = s.db.RunValueLogGC(0.5)
	}
	if !errors.Is(err, bdb.ErrNoRewrite) && !errors.Is(err, bdb.ErrRejected) {
		s.log().Warn("compacting the store", zap.String("dir", s.dir), zap.Error(err))
	}
}
