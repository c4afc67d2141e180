package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
)

const (
	sqlGet    = `SELECT body FROM payments_records WHERE ref = $1`
	sqlGets   = `SELECT ref, body FROM payments_records WHERE ref = ANY($1::bytea[])`
	sqlHolder = `SELECT ref FROM payments_keys WHERE key = $1`
	sqlHeld   = `SELECT key, ref FROM payments_keys WHERE key = ANY($1::bytea[])`
)

// lookups are look-ups of one kind by a key.
type lookups struct {
	one, many string
	group     group[*lookup]
}

func (l *lookups) init(s *Store, one, many string) {
	l.one, l.many = one, many
	l.group.run = func(all []*lookup) { s.lookAll(l, all) }
}

// lookup is one of them, and what it found.
type lookup struct {
	ctx   context.Context
	key   []byte
	found bool
	value []byte
	fate  fate
	err   error
}

// look finds what stands under a key, together with others who look at the same
// time: whatever was confirmed before it was called is seen.
func (s *Store) look(ctx context.Context, l *lookups, what string, key []byte) (value []byte, err error) {
	first := true
	err = s.repeat(ctx, what, func(ctx context.Context) (fate, error) {
		m := &lookup{ctx: ctx, key: key}
		if first {
			l.group.do(m)
		} else {
			s.lookAll(l, []*lookup{m})
		}
		first = false
		if m.err == nil && !m.found {
			m.err = payment.ErrNotFound
		}
		value = m.value
		return m.fate, m.err
	})
	return value, err
}

func (s *Store) lookAll(l *lookups, all []*lookup) {
	if len(all) == 1 {
		m := all[0]
		m.fate, m.err = s.try(m.ctx, func(c *pgxpool.Conn) error {
			err := c.QueryRow(m.ctx, l.one, m.key).Scan(&m.value)
			m.found = err == nil
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			return err
		})
		return
	}
	ctx := all[len(all)-1].ctx
	keys := make([][]byte, len(all))
	for i, m := range all {
		keys[i] = m.key
	}
	slices.SortFunc(keys, bytes.Compare)
	keys = slices.CompactFunc(keys, bytes.Equal)
	found := make(map[string][]byte, len(keys))
	fate, err := s.try(ctx, func(c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, l.many, keys)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key, value []byte
			if err := rows.Scan(&key, &value); err != nil {
				return err
			}
			found[string(key)] = value
		}
		return rows.Err()
	})
	for _, m := range all {
		m.fate, m.err = fate, err
		if err == nil {
			m.value, m.found = found[string(m.key)]
		}
	}
}
