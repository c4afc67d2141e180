package badger

import (
	"bytes"
	"context"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"
)

// trimBatch is how many tracks are deleted in one change.
const trimBatch = 500

// poke asks for the oldest tracks to be deleted.
func (s *Store) poke() {
	select {
	case s.counts.crowded <- struct{}{}:
	default:
	}
}

// trimLoop deletes the tracks that were put or renewed the longest ago while there
// are more than the cap allows. It looks at each track once: everything before from is
// deleted.
func (s *Store) trimLoop(ctx context.Context) {
	defer s.chores.Done()
	from := []byte{tableAge}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.counts.crowded:
		}
		for s.counts.tracks.Load() > s.counts.maxTracks.Load() {
			found, err := s.trim(ctx, &from)
			if err != nil && ctx.Err() == nil {
				s.log().Warn("deleting the oldest tracks", zap.String("dir", s.dir), zap.Error(err))
			}
			if err != nil || found == 0 {
				break
			}
		}
	}
}

// trim deletes the oldest of the tracks that are too many, and reports how many
// entries it looked at.
func (s *Store) trim(ctx context.Context, from *[]byte) (int, error) {
	want := int(min(s.counts.tracks.Load()-s.counts.maxTracks.Load(), trimBatch))
	var keys [][]byte
	err := s.view(ctx, func(txn *bdb.Txn) error {
		it := txn.NewIterator(keysOnly([]byte{tableAge}))
		defer it.Close()
		for it.Seek(*from); it.Valid() && len(keys) < want && ctx.Err() == nil; it.Next() {
			keys = append(keys, it.Item().KeyCopy(nil))
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	*from = append(bytes.Clone(keys[len(keys)-1]), 0)
	return len(keys), s.dropTracks(ctx, keys)
}
