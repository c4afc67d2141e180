package badger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Tracks expire by a time in the entry, never by Badger's TTL, which follows
// the wall clock without asking.

// PutTrack implements [payment.Store].
func (s *Store) PutTrack(ctx context.Context, visitor string, t payment.Track, expires time.Time) error {
	value, err := packed.Track(t, expires)
	if err != nil {
		return err
	}
	hash := visitorHash(visitor)
	counted := false
	return s.submit(&change{ctx: ctx, grows: true, lazy: true,
		stage: func(get getter) ([]write, error) {
			old, err := get(trackKey(hash))
			if err != nil {
				return nil, err
			}
			// Counted now, not when settled: the changes of one batch must not pass
			// the cap together. A change may be staged twice.
			if counted {
				counted = false
				s.tracks.Add(-1)
			}
			var ws []write
			if old == nil {
				if s.tracks.Load() >= s.cfg.maxTracks {
					return nil, fmt.Errorf("%w: it keeps %d tracks already", payment.ErrFull, s.cfg.maxTracks)
				}
				counted = true
				s.tracks.Add(1)
			} else if _, was, err := packed.DecodeTrack(old); err == nil {
				ws = append(ws, write{key: timed(tableExpiry, was, hash), del: true})
			}
			return append(ws,
				write{key: trackKey(hash), value: value},
				write{key: expiryKey(expires, hash)}), nil
		}})
}

// Track implements [payment.Store].
func (s *Store) Track(ctx context.Context, visitor string) (payment.Track, error) {
	if err := ctx.Err(); err != nil {
		return payment.Track{}, err
	}
	var v []byte
	key := trackKey(visitorHash(visitor))
	err := s.view(ctx, func(txn *bdb.Txn) (err error) {
		v, err = getCopy(txn, key)
		return err
	}, key)
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
	gone := 0
	err = s.submit(&change{ctx: ctx,
		stage: func(get getter) ([]write, error) {
			gone = 0
			var ws []write
			for _, key := range keys {
				ws = append(ws, write{key: key, del: true})
				hash := key[1+timeSize:]
				v, err := get(trackKey(hash))
				if err != nil {
					return nil, err
				}
				// The visitor may have come again since.
				if len(v) > timeSize && bytes.Equal(v[1:1+timeSize], key[1:1+timeSize]) {
					ws = append(ws, write{key: trackKey(hash), del: true})
					gone++
				}
			}
			return ws, nil
		},
		settled: func() { s.tracks.Add(-int64(gone)) },
	})
	return len(keys), err
}
