package badger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Tracks expire by a time in their entry, never by Badger's TTL, which would delete
// entries by the wall clock. Their age is an index of its own, by the version of the
// commit that put them. That version is the value of the entry by expiry, so that a
// renewed track finds its old entries.

// trackSlack is by how many tracks the cap may be exceeded while the oldest are being
// deleted in the background.
const trackSlack = 8192

// PutTrack implements [payment.Store].
func (s *Store) PutTrack(ctx context.Context, visitor string, t payment.Track, expires time.Time) error {
	value, err := packed.Track(t, expires)
	if err != nil {
		return err
	}
	hash, fresh := packed.Visitor(visitor), false
	return s.queue.Submit(&change{Ctx: ctx, Grows: true, Lazy: true,
		Stage: func(get getter) ([]write, error) {
			old, err := get(trackKey(hash))
			if err != nil {
				return nil, err
			}
			var ws []write
			if fresh = old == nil; fresh {
				if most := s.counts.maxTracks.Load(); s.counts.tracks.Load() >= most+trackSlack {
					return nil, fmt.Errorf("%w: it keeps %d tracks already", payment.ErrFull, most)
				}
			} else if ws, err = unlist(get, old, hash); err != nil {
				return nil, err
			}
			age := s.queue.Next()
			return append(ws,
				write{Key: trackKey(hash), Value: value},
				write{Key: timed(tableExpiry, packed.Time(expires), hash), Value: encodeHigh(age)},
				write{Key: timed(tableAge, age, hash)}), nil
		},
		Settled: func() {
			if fresh && s.counts.tracks.Add(1) > s.counts.maxTracks.Load() {
				s.poke()
			}
		}})
}

// unlist deletes a track's entries by expiry and by age.
func unlist(get getter, track, hash []byte) ([]write, error) {
	_, expires, err := packed.DecodeTrack(track)
	if err != nil {
		return nil, nil //nolint:nilerr // the damaged track is overwritten
	}
	byExpiry := timed(tableExpiry, expires, hash)
	age, err := get(byExpiry)
	if err != nil {
		return nil, err
	}
	ws := []write{{Key: byExpiry, Del: true}}
	if len(age) == timeSize {
		ws = append(ws, write{Key: timed(tableAge, decodeHigh(age), hash), Del: true})
	}
	return ws, nil
}

// Track implements [payment.Store].
func (s *Store) Track(ctx context.Context, visitor string) (payment.Track, error) {
	v, err := s.value(ctx, trackKey(packed.Visitor(visitor)))
	if err != nil {
		return payment.Track{}, err
	}
	if v == nil {
		return payment.Track{}, payment.ErrNotFound
	}
	t, expires, err := packed.DecodeTrack(v)
	if err != nil {
		return payment.Track{}, err
	}
	if expires <= packed.Time(s.Now()) {
		return payment.Track{}, payment.ErrNotFound
	}
	return t, nil
}

// pruneTracks deletes up to limit tracks that have expired and reports how
// many it deleted.
func (s *Store) pruneTracks(ctx context.Context, limit int) (int, error) {
	now := packed.Time(s.Now())
	var keys [][]byte
	err := s.view(ctx, func(txn *bdb.Txn) error {
		it := txn.NewIterator(keysOnly([]byte{tableExpiry}))
		defer it.Close()
		for it.Rewind(); it.Valid() && len(keys) < limit; it.Next() {
			key := it.Item().KeyCopy(nil)
			if binary.BigEndian.Uint64(key[1:]) > now {
				break
			}
			keys = append(keys, key)
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	return len(keys), s.dropTracks(ctx, keys)
}

// dropTracks deletes the tracks that entries by expiry or by age lead to, and the
// entries.
func (s *Store) dropTracks(ctx context.Context, keys [][]byte) error {
	gone := 0
	return s.queue.Submit(&change{Ctx: ctx,
		Stage: func(get getter) ([]write, error) {
			gone = 0
			var ws []write
			for _, key := range keys {
				ws = append(ws, write{Key: key, Del: true})
				hash := key[1+timeSize:]
				v, err := get(trackKey(hash))
				if err != nil {
					return nil, err
				}
				if v == nil {
					continue
				}
				listed, err := unlist(get, v, hash)
				if err != nil {
					return nil, err
				}
				// The track may have been renewed since.
				if slices.ContainsFunc(listed, func(w write) bool { return bytes.Equal(w.Key, key) }) {
					ws = append(append(ws, listed...), write{Key: trackKey(hash), Del: true})
					gone++
				}
			}
			return ws, nil
		},
		Settled: func() { s.counts.tracks.Add(-int64(gone)) },
	})
}

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
