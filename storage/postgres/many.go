package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The statements of changes that share one: the same as of one change, with
// arrays for arguments. It is one statement all the same, so that the server
// finishes it whatever becomes of the node, and either all of it is written
// that its versions allow, or nothing. Records and keys are locked in the order
// of their names, by which two nodes never wait for each other in a circle.
const (
	partMany = `WITH c AS (
	SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[], $5::boolean[], $6::bigint[], $7::bigint[], $8::smallint[],
		$9::integer[], $10::bigint[], $11::bigint[], $12::bytea[], $13::text[], $14::bigint[])
	AS u (ref, next, writer, state, money, created, due, slot, notice, order_hash, id_hash, body, terms, had)
), w AS (`
	sqlFirsts = partMany + `
	INSERT INTO payments_records (ref, version, writer, state, money, created, due, slot, notice, order_hash, id_hash, body, terms)
	SELECT ref, next, writer, state, money, created, due, slot, notice, order_hash, id_hash, body, terms::bigint[] FROM c ON CONFLICT (ref) DO NOTHING RETURNING ref
)
SELECT ref FROM w`
	partUpdates = partMany + `
	UPDATE payments_records r SET version = c.next, writer = c.writer, state = c.state, money = r.money OR c.money, created = c.created,
	due = c.due, slot = c.slot, notice = c.notice, order_hash = c.order_hash, id_hash = c.id_hash, body = c.body,
	terms = c.terms::bigint[]
	FROM c WHERE r.ref = c.ref AND r.version = c.next - 1 AND c.had IN (0, r.writer) RETURNING r.ref
)`
	sqlUpdates     = partUpdates + "\nSELECT ref FROM w"
	sqlLazyUpdates = partUpdates + partLazy + "\nSELECT w.ref FROM w, lazy WHERE lazy.v = 'off'"
	sqlTakes       = partUpdates + `, k AS (
	INSERT INTO payments_keys (key, ref, intent)
	SELECT u.key, u.ref, u.intent FROM unnest($15::bytea[], $16::bytea[], $17::boolean[]) AS u (key, ref, intent)
	JOIN w ON w.ref = u.ref
	WHERE NOT EXISTS (SELECT 1 FROM payments_keys o WHERE o.key = u.key AND o.ref = u.ref)
	ORDER BY u.key
)
SELECT ref FROM w`
)

// kind is which changes may share a statement.
type kind int

const (
	// lonely changes are rare, and go by themselves.
	lonely kind = iota
	// firsts are new records without keys, updates wait for the disk, lazies don't.
	firsts
	updates
	lazies
)

func kindOf(first, take, lazy bool) kind {
	switch {
	case first && !take && !lazy:
		return firsts
	case !first && !lazy:
		return updates
	case !first && !take:
		return lazies
	}
	return lonely
}

func (s *Store) groupOf(w *row) *group[*member] {
	switch w.kind {
	case firsts:
		return &s.firsts
	case updates:
		return &s.updates
	case lazies:
		if s.plain() {
			return &s.lazies
		}
		return &s.updates
	}
	return nil
}

// member is a change among others, and what became of it in the statement that
// they shared.
type member struct {
	ctx context.Context
	row *row

	n    int64
	fate fate
	err  error
}

// errApart: a change was not in the statement, and nothing is said of it.
var errApart = errors.New("another change of the same record was in the same statement")

// sendAll tries changes once, in one statement. An error is every change's: each
// then goes on by itself, so that what is wrong with one does not touch the
// others, and an outcome that nobody knows is found out for each.
func (s *Store) sendAll(all []*member) {
	if len(all) == 1 {
		m := all[0]
		m.n, m.fate, m.err = s.sendAlone(m.ctx, m.row)
		return
	}
	// The last caller has the most time left.
	ctx := all[len(all)-1].ctx
	slices.SortStableFunc(all, func(a, b *member) int { return bytes.Compare(a.row.ref[:], b.row.ref[:]) })
	var in []*member
	for i, m := range all {
		if i > 0 && m.row.ref == all[i-1].row.ref {
			m.fate, m.err = collided, errApart
			continue
		}
		in = append(in, m)
	}
	sql, args := manySQL(in)
	wrote := make(map[string]bool, len(in))
	fate, err := s.try(ctx, func(c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var ref []byte
			if err := rows.Scan(&ref); err != nil {
				return err
			}
			wrote[string(ref)] = true
		}
		return rows.Err()
	})
	if err != nil && fate == refused && !isState(err, stateUnique) {
		fate = collided // it need not be this change that was refused
	}
	for _, m := range in {
		m.fate, m.err = fate, err
		if wrote[string(m.row.ref[:])] {
			m.n = 1
		}
	}
}

// columns are the arguments of changes, turned from rows into arrays.
type columns struct {
	refs, bodies               [][]byte
	versions, writers, had     []int64
	created                    []int64
	states, terms              []string
	money                      []bool
	dues, notices, orders, ids []*int64
	slots                      []int16
	keys, holders              [][]byte
	intents                    []bool
}

func manySQL(in []*member) (sql string, args []any) {
	var c columns
	type taking struct {
		key, ref []byte
		intent   bool
	}
	var take []taking
	for _, m := range in {
		r := m.row
		c.refs, c.bodies = append(c.refs, r.ref[:]), append(c.bodies, r.cells.body)
		c.versions, c.writers, c.created = append(c.versions, r.next), append(c.writers, r.writer), append(c.created, r.cells.created)
		c.had = append(c.had, r.had)
		c.states, c.money, c.slots = append(c.states, r.cells.state), append(c.money, r.cells.money), append(c.slots, r.cells.slot)
		c.dues, c.notices = append(c.dues, r.cells.due), append(c.notices, r.cells.notice)
		c.orders, c.ids = append(c.orders, r.cells.order), append(c.ids, r.cells.id)
		c.terms = append(c.terms, r.cells.terms)
		hashes, intents := taken(r.take)
		for i, h := range hashes {
			take = append(take, taking{h, r.ref[:], intents[i]})
		}
	}
	args = []any{c.refs, c.versions, c.writers, c.states, c.money, c.created, c.dues, c.slots, c.notices, c.orders, c.ids, c.bodies, c.terms, c.had}
	switch {
	case in[0].row.kind == firsts:
		return sqlFirsts, args
	case !slices.ContainsFunc(in, func(m *member) bool { return m.row.kind != lazies }): // on other servers others are among them, with keys
		return sqlLazyUpdates, args
	case len(take) == 0:
		return sqlUpdates, args
	}
	for _, t := range take {
		c.keys, c.holders, c.intents = append(c.keys, t.key), append(c.holders, t.ref), append(c.intents, t.intent)
	}
	return sqlTakes, append(args, c.keys, c.holders, c.intents)
}
