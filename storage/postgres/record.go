package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
)

const (
	sqlOf     = `SELECT version, writer FROM payments_records WHERE ref = $1`
	sqlForget = `WITH w AS (
	DELETE FROM payments_records WHERE ref = $1 AND version = $2 AND NOT money AND state IN ('declined', 'expired') RETURNING ref
), k AS (
	DELETE FROM payments_keys WHERE intent AND ref IN (SELECT w.ref FROM w)
)
SELECT count(*) FROM w`
	sqlReserve = `INSERT INTO payments_keys (key, ref, intent)
SELECT u.key, NULL, false FROM unnest($1::bytea[]) AS u (key) ON CONFLICT (key) DO NOTHING`
)

func (s *Store) get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	k, ok := ref.Bytes()
	if !ok {
		return nil, orDone(ctx, payment.ErrNotFound)
	}
	m, err := s.look(ctx, "reading a payment", [][]byte{k[:]}, nil)
	if err != nil {
		return nil, err
	}
	rec, err := m.recs[0].record(ref)
	if rec == nil && err == nil {
		return nil, payment.ErrNotFound
	}
	return rec, err
}

func orDone(ctx context.Context, err error) error {
	if done := ctx.Err(); done != nil {
		return done
	}
	return err
}

func (s *Store) holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	m, err := s.look(ctx, "looking for a key", nil, [][]byte{k.Hash()})
	if err != nil {
		return "", err
	}
	switch h := m.holders[0]; {
	case !h.found:
		return "", payment.ErrNotFound
	case h.ref == nil:
		return "", nil
	default:
		return payment.RefOf(h.ref), nil
	}
}

func (s *Store) forget(ctx context.Context, ref payment.Ref, version uint64) error {
	k, ok := ref.Bytes()
	if !ok {
		return orDone(ctx, payment.ErrConflict)
	}
	ctx, op, done, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	for {
		var n int64
		fate, err := s.try(ctx, func(c *pgxpool.Conn) error {
			return c.QueryRow(ctx, sqlForget, k[:], int64(version)).Scan(&n) //nolint:gosec // far below
		})
		switch {
		case err == nil && n == 1:
			return nil
		case err == nil:
			// After a try without an outcome this may be our own work: then, too, the
			// caller has to read again.
			return payment.ErrConflict
		}
		if fate == refused || !op.again() {
			return s.gaveUp("forgetting a payment", fate, err)
		}
	}
}

func (s *Store) reserve(ctx context.Context, keys []payment.Key) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	total := 0
	for part := range slices.Chunk(keys, 1000) {
		hashes, _ := taken(part)
		n, err := s.reservePart(ctx, hashes)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func (s *Store) reservePart(ctx context.Context, hashes [][]byte) (int, error) {
	ctx, op, done, err := s.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	for {
		n := 0
		fate, err := s.try(ctx, func(c *pgxpool.Conn) error {
			tag, err := c.Exec(ctx, sqlReserve, hashes)
			n = int(tag.RowsAffected())
			return err
		})
		if err == nil {
			return n, nil
		}
		// How many were new can't be told after a try without an outcome.
		if fate == refused || fate == lost || !op.again() {
			return 0, s.gaveUp("reserving keys", fate, err)
		}
	}
}
