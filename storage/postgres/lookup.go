package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

const (
	sqlGet    = `SELECT writer, body FROM payments_records WHERE ref = $1`
	sqlGets   = `SELECT ref, writer, body FROM payments_records WHERE ref = ANY($1::bytea[])`
	sqlHolder = `SELECT ref FROM payments_keys WHERE key = $1`
	sqlHeld   = `SELECT key, ref FROM payments_keys WHERE key = ANY($1::bytea[])`
	// sqlLook is both of one moment; a row of the second part has no key.
	sqlLook = `SELECT key, ref, NULL::bigint, NULL::bytea FROM payments_keys WHERE key = ANY($1::bytea[])
UNION ALL SELECT NULL::bytea, ref, writer, body FROM payments_records WHERE ref = ANY($2::bytea[])`
)

// lookup is what somebody wants to know, and what was found.
type lookup struct {
	ctx context.Context
	// refs are records', a nil one is nobody's; keys are hashes.
	refs, keys [][]byte

	recs    []stored
	holders []holder
	fate    fate
	err     error
}

// stored is a record as its table holds it.
type stored struct {
	writer int64
	body   []byte // nil: no such record
}

// record unpacks it, or gives nil if there is no record.
func (r stored) record(ref payment.Ref) (*payment.Record, error) {
	if r.body == nil {
		return nil, nil //nolint:nilnil // that nobody has it is no error
	}
	e, err := packed.Decode(ref, r.body)
	if err != nil {
		return nil, err
	}
	e.Rec.Mark = r.writer
	return e.Rec, nil
}

// holder is who holds a key; a key without a record has none.
type holder struct {
	ref   []byte
	found bool
}

// look finds what it asks for, together with others who look at the same time:
// whatever was confirmed before it was called is seen.
func (s *Store) look(ctx context.Context, what string, refs, keys [][]byte) (m *lookup, err error) {
	first := true
	err = s.repeat(ctx, what, func(ctx context.Context) (fate, error) {
		m = &lookup{ctx: ctx, refs: refs, keys: keys, recs: make([]stored, len(refs)), holders: make([]holder, len(keys))}
		if first {
			s.looks.do(m)
		} else {
			s.lookAll([]*lookup{m})
		}
		first = false
		return m.fate, m.err
	})
	return m, err
}

func (s *Store) lookAll(all []*lookup) {
	if m := all[0]; len(all) == 1 && len(m.refs)+len(m.keys) == 1 {
		s.lookOne(m)
		return
	}
	var keys, refs [][]byte
	for _, m := range all {
		keys = append(keys, m.keys...)
		for _, ref := range m.refs {
			if ref != nil {
				refs = append(refs, ref)
			}
		}
	}
	ctx := all[len(all)-1].ctx
	holders, recs := make(map[string]holder), make(map[string]stored)
	fate, err := s.try(ctx, func(c *pgxpool.Conn) error { return readAll(ctx, c, distinct(keys), distinct(refs), holders, recs) })
	for _, m := range all {
		if m.fate, m.err = fate, err; err != nil {
			continue
		}
		for i, ref := range m.refs {
			m.recs[i] = recs[string(ref)]
		}
		for i, k := range m.keys {
			m.holders[i] = holders[string(k)]
		}
	}
}

func (s *Store) lookOne(m *lookup) {
	m.fate, m.err = s.try(m.ctx, func(c *pgxpool.Conn) (err error) {
		if len(m.refs) > 0 {
			err = c.QueryRow(m.ctx, sqlGet, m.refs[0]).Scan(&m.recs[0].writer, &m.recs[0].body)
		} else {
			err = c.QueryRow(m.ctx, sqlHolder, m.keys[0]).Scan(&m.holders[0].ref)
			m.holders[0].found = err == nil
		}
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
}

func distinct(all [][]byte) [][]byte {
	slices.SortFunc(all, bytes.Compare)
	return slices.CompactFunc(all, bytes.Equal)
}

// readAll reads in one statement who holds the keys, and the records.
func readAll(ctx context.Context, c *pgxpool.Conn, keys, refs [][]byte, holders map[string]holder, recs map[string]stored) (err error) {
	var rows pgx.Rows
	var key, ref, body []byte
	var writer *int64
	into := []any{&key, &ref, &writer, &body}
	switch {
	case len(refs) == 0:
		rows, err = c.Query(ctx, sqlHeld, keys)
		into = into[:2]
	case len(keys) == 0:
		rows, err = c.Query(ctx, sqlGets, refs)
		into = into[1:]
	default:
		rows, err = c.Query(ctx, sqlLook, keys, refs)
	}
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		if key != nil {
			holders[string(key)] = holder{ref, true}
		} else {
			recs[string(ref)] = stored{*writer, body}
		}
		// What was scanned is kept.
		key, ref, writer, body = nil, nil, nil, nil
		return nil
	})
	return err
}

func (s *Store) lookUp(ctx context.Context, refs []payment.Ref, keys []payment.Key) ([]*payment.Record, []payment.Held, error) {
	at := make([][]byte, len(refs))
	for i, ref := range refs {
		if k, ok := ref.Bytes(); ok { // nobody has a ref that is none
			at[i] = k[:]
		}
	}
	hashes := make([][]byte, len(keys))
	for i, k := range keys {
		hashes[i] = k.Hash()
	}
	m, err := s.look(ctx, "looking for a payment", at, hashes)
	if err != nil {
		return nil, nil, err
	}
	held := make([]payment.Held, len(keys))
	for i, h := range m.holders {
		if held[i].Found = h.found; h.ref != nil {
			held[i].Ref = payment.RefOf(h.ref)
		}
	}
	recs := make([]*payment.Record, len(refs))
	for i, ref := range refs {
		if recs[i], err = m.recs[i].record(ref); err != nil {
			return nil, nil, err
		}
	}
	return recs, held, nil
}
