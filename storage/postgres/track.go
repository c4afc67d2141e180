package postgres

import (
	"context"
	"crypto/sha256"
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
	sqlTrackAgain = `UPDATE payments_tracks SET expires = $2, body = $3 WHERE visitor = $1`
	sqlTrackNew   = `INSERT INTO payments_tracks (visitor, expires, body) VALUES ($1, $2, $3)
ON CONFLICT (visitor) DO UPDATE SET expires = excluded.expires, body = excluded.body`
	// The same without waiting for the disk: a track may be lost.
	sqlLazyTrackAgain = `WITH lazy AS (SELECT set_config('synchronous_commit', 'off', true) AS v)
UPDATE payments_tracks SET expires = $2, body = $3 FROM lazy WHERE visitor = $1 AND lazy.v = 'off'`
	sqlLazyTrackNew = `WITH lazy AS (SELECT set_config('synchronous_commit', 'off', true) AS v)
INSERT INTO payments_tracks (visitor, expires, body) SELECT $1::bytea, $2::bigint, $3::bytea FROM lazy
ON CONFLICT (visitor) DO UPDATE SET expires = excluded.expires, body = excluded.body`
	sqlTracksOld  = `SELECT visitor FROM payments_tracks WHERE expires <= $1 ORDER BY expires LIMIT $2`
	sqlTrackPrune = `DELETE FROM payments_tracks WHERE visitor = ANY($2::bytea[]) AND expires <= $1`
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

// place takes room for one more.
func (t *tracks) place(most int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mine+t.theirs >= most {
		return false
	}
	t.mine++
	return true
}

func visitorHash(visitor string) []byte {
	sum := sha256.Sum256([]byte(visitor))
	return sum[:16]
}

func (s *Store) putTrack(ctx context.Context, visitor string, t payment.Track, expires time.Time) error {
	body, err := packed.Track(t, expires)
	if err != nil {
		return err
	}
	hash, until := visitorHash(visitor), int64(packed.Time(expires)) //nolint:gosec // 63 bits
	placed := false
	err = s.read(ctx, "keeping a track", func(ctx context.Context, c *pgxpool.Conn) error {
		renew, add := sqlTrackAgain, sqlTrackNew
		if s.plain() {
			renew, add = sqlLazyTrackAgain, sqlLazyTrackNew
		}
		tag, err := c.Exec(ctx, renew, hash, until, body)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		if !placed && !s.tracks.place(s.cfg.maxTracks) {
			return fmt.Errorf("%w: it keeps %d tracks already", payment.ErrFull, s.cfg.maxTracks)
		}
		placed = true
		_, err = c.Exec(ctx, add, hash, until, body)
		return err
	})
	if err != nil && placed {
		s.tracks.add(-1)
	}
	return err
}

func (s *Store) track(ctx context.Context, visitor string) (t payment.Track, err error) {
	err = s.read(ctx, "looking for a track", func(ctx context.Context, c *pgxpool.Conn) error {
		var body []byte
		err := c.QueryRow(ctx, sqlTrack, visitorHash(visitor)).Scan(&body)
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
