package badger

import (
	"context"
	"encoding/binary"
	"sync/atomic"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"
)

// Records and tracks are counted as they are written and deleted, and the counts are
// written down at close. After a crash they are counted again in the background,
// because counting ten million records takes seconds.

// counts counts records and tracks.
type counts struct {
	records, tracks atomic.Int64
	counted         chan struct{} // closed when they are exact
	// maxTracks is the cap; a value in crowded says that it is exceeded.
	maxTracks atomic.Int64
	crowded   chan struct{}
}

func (c *counts) init(maxTracks int64) {
	c.counted, c.crowded = make(chan struct{}), make(chan struct{}, 1)
	c.maxTracks.Store(maxTracks)
}

// startCount is called before the first change.
func (s *Store) startCount() error {
	b, err := s.readNow(metaClean)
	if err != nil {
		return err
	}
	if len(b) == 16 {
		s.counts.records.Store(int64(binary.BigEndian.Uint64(b)))
		s.counts.tracks.Store(int64(binary.BigEndian.Uint64(b[8:])))
		close(s.counts.counted)
		// Before use, so that a crash from now on is noticed.
		return s.commitNow([]write{{Key: metaClean, Del: true}})
	}
	if s.isEmpty() {
		close(s.counts.counted)
	}
	return nil
}

// finishCount counts what startCount could not tell. The snapshot is taken
// before the first change, so that nothing is counted twice.
func (s *Store) finishCount(ctx context.Context, ts uint64, release func()) {
	defer s.chores.Done()
	defer release()
	txn := s.db.NewTransactionAt(ts, false)
	defer txn.Discard()
	records, ok := countPrefix(ctx, txn, tableCreated)
	if !ok {
		return
	}
	tracks, ok := countPrefix(ctx, txn, tableTrack)
	if !ok {
		return
	}
	s.counts.records.Add(records)
	s.counts.tracks.Add(tracks)
	s.poke()
	close(s.counts.counted)
	s.log().Info("counted after an unclean end", zap.String("dir", s.dir), zap.Int64("records", s.counts.records.Load()))
}

func countPrefix(ctx context.Context, txn *bdb.Txn, table byte) (n int64, ok bool) {
	it := txn.NewIterator(keysOnly([]byte{table}))
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return 0, false
		}
	}
	return n, true
}

// Count returns how many records there are; exact is false while they are still
// being counted after an unclean end.
func (s *Store) Count() (records int64, exact bool) {
	select {
	case <-s.counts.counted:
		return s.counts.records.Load(), true
	default:
		return s.counts.records.Load(), false
	}
}

func (s *Store) encodeCounts() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.counts.records.Load()))
	return binary.BigEndian.AppendUint64(b, uint64(s.counts.tracks.Load()))
}
