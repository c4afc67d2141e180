package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

const (
	sqlTrack      = `SELECT body FROM payments_tracks WHERE visitor = $1`
	sqlTrackAgain = `UPDATE payments_tracks SET expires = $2, body = $3, put = ` + dbNow + ` WHERE visitor = $1`
	sqlTrackNew   = `INSERT INTO payments_tracks (visitor, expires, body, put) VALUES ($1, $2, $3, ` + dbNow + `)
ON CONFLICT (visitor) DO UPDATE SET expires = excluded.expires, body = excluded.body, put = excluded.put`
	// The same without waiting for the disk: a track may be lost.
	sqlLazyTrackAgain = `WITH lazy AS (SELECT set_config('synchronous_commit', 'off', true) AS v)
UPDATE payments_tracks SET expires = $2, body = $3, put = ` + dbNow + ` FROM lazy WHERE visitor = $1 AND lazy.v = 'off'`
	sqlLazyTrackNew = `WITH lazy AS (SELECT set_config('synchronous_commit', 'off', true) AS v)
INSERT INTO payments_tracks (visitor, expires, body, put) SELECT $1::bytea, $2::bigint, $3::bytea, ` + dbNow + ` FROM lazy
ON CONFLICT (visitor) DO UPDATE SET expires = excluded.expires, body = excluded.body, put = excluded.put`
	sqlTracksOld  = `SELECT visitor FROM payments_tracks WHERE expires <= $1 ORDER BY expires LIMIT $2`
	sqlTrackPrune = `DELETE FROM payments_tracks WHERE visitor = ANY($2::bytea[]) AND expires <= $1`
	// A track that was renewed meanwhile stays.
	sqlTracksOldest = `SELECT visitor, put FROM payments_tracks ORDER BY put, visitor LIMIT $1`
	sqlTrackTrim    = `DELETE FROM payments_tracks WHERE visitor = ANY($2::bytea[]) AND put <= $1`
)

// tracks counts without counting: each node knows how many it has added and
// taken away, writes it with its beat, and reads the others'. A node that dies
// takes at most the count since its last beat with it.
type tracks struct {
	mu           sync.Mutex
	mine, theirs int64
}

func (t *tracks) own() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mine
}

func (t *tracks) others(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.theirs = n
}

func (t *tracks) add(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mine += n
}

// over returns how many more there are than may be.
func (t *tracks) over(most int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mine + t.theirs - most
}

func (s *Store) putTrack(ctx context.Context, visitor string, t payment.Track, expires time.Time) error {
	body, err := packed.Track(t, expires)
	if err != nil {
		return err
	}
	hash, until := packed.Visitor(visitor), int64(packed.Time(expires)) //nolint:gosec // 63 bits
	added := false
	err = s.read(ctx, "keeping a track", func(ctx context.Context, c *pgxpool.Conn) error {
		renew, add := sqlTrackAgain, sqlTrackNew
		if s.plain() {
			renew, add = sqlLazyTrackAgain, sqlLazyTrackNew
		}
		tag, err := c.Exec(ctx, renew, hash, until, body)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		if most := s.maxTracks.Load(); s.tracks.over(most) >= trackSlack {
			return fmt.Errorf("%w: it keeps %d tracks already", payment.ErrFull, most)
		}
		added = true
		_, err = c.Exec(ctx, add, hash, until, body)
		return err
	})
	if err == nil && added {
		if s.tracks.add(1); s.tracks.over(s.maxTracks.Load()) > 0 {
			s.crowd()
		}
	}
	return err
}

func (s *Store) track(ctx context.Context, visitor string) (t payment.Track, err error) {
	err = s.read(ctx, "looking for a track", func(ctx context.Context, c *pgxpool.Conn) error {
		var body []byte
		err := c.QueryRow(ctx, sqlTrack, packed.Visitor(visitor)).Scan(&body)
		if errors.Is(err, pgx.ErrNoRows) {
			return payment.ErrNotFound
		}
		if err != nil {
			return err
		}
		var expires uint64
		if t, expires, err = packed.DecodeTrack(body); err == nil && expires <= packed.Time(s.Now()) {
			return payment.ErrNotFound
		}
		return err
	})
	if err != nil {
		return payment.Track{}, err
	}
	return t, nil
}

// prune deletes tracks that have expired and nodes that are long gone.
func (s *Store) prune(ctx context.Context) error {
	now := s.Now()
	err := s.read(ctx, "deleting old tracks", func(ctx context.Context, c *pgxpool.Conn) error {
		until := int64(packed.Time(now))
		rows, err := c.Query(ctx, sqlTracksOld, until, 5000)
		if err != nil {
			return err
		}
		old, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil || len(old) == 0 {
			return err
		}
		tag, err := c.Exec(ctx, sqlTrackPrune, until, old)
		if err == nil {
			s.tracks.add(-tag.RowsAffected())
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.read(ctx, "deleting old nodes", func(ctx context.Context, c *pgxpool.Conn) error {
		_, err := c.Exec(ctx, sqlPrune, now.Add(-forgotten).UnixMicro())
		return err
	})
}
