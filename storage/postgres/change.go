package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// sqlHolders reads, of one moment, a record's version and who holds keys.
const sqlHolders = `SELECT coalesce(v.version, 0), k.key, k.ref FROM (SELECT (SELECT version FROM payments_records WHERE ref = $2) AS version) v
LEFT JOIN payments_keys k ON k.key = ANY($1::bytea[])`

// The parts of which the statements of a change are made.
const (
	partInsert = `INSERT INTO payments_records (ref, version, writer, state, money, created, due, slot, notice, order_hash, id_hash, body, terms)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::bigint[]) ON CONFLICT (ref) DO NOTHING RETURNING ref`
	// A version that a power cut took back can be given out again, so the writer of
	// the version is compared as well. The caller gives 0 if it doesn't know it.
	partUpdate = `UPDATE payments_records SET version = $2, writer = $3, state = $4, money = money OR $5, created = $6, due = $7,
	slot = $8, notice = $9, order_hash = $10, id_hash = $11, body = $12, terms = $13::text::bigint[]
	WHERE ref = $1 AND version = $2 - 1 AND $14::bigint IN (0, writer) RETURNING ref`
	partTakeFirst = `, k AS (
	INSERT INTO payments_keys (key, ref, intent)
	SELECT u.key, w.ref, u.intent FROM w, unnest($14::bytea[], $15::boolean[]) AS u (key, intent)`
	partTake = `, k AS (
	INSERT INTO payments_keys (key, ref, intent)
	SELECT u.key, w.ref, u.intent FROM w, unnest($15::bytea[], $16::boolean[]) AS u (key, intent)
	WHERE NOT EXISTS (SELECT 1 FROM payments_keys o WHERE o.key = u.key AND o.ref = $1)`
	partLazy = `, lazy AS (SELECT set_config('synchronous_commit', 'off', true) AS v)`
)

// changeSQL returns the one statement of a change. The number of rows in its answer
// is the number of records that it wrote, which is 0 if the version has moved
// on. A key that another record holds makes it fail as a whole.
func changeSQL(first, take, lazy bool) string {
	write := partUpdate
	if first {
		write = partInsert
	}
	if !take && !lazy {
		return write
	}
	sql := "WITH w AS (\n\t" + write + "\n)"
	switch {
	case take && first:
		// It holds nothing yet. What looks held by it was held by one of the same
		// name that is being forgotten, and will be free.
		sql += partTakeFirst + "\n)"
	case take:
		sql += partTake + "\n)"
	}
	if lazy {
		return sql + partLazy + "\nSELECT v FROM lazy, w"
	}
	return sql + "\nSELECT ref FROM w"
}

// row is a change as it is sent.
type row struct {
	ref    [payment.RefBytes]byte
	next   int64
	writer int64
	had    int64 // the writer of what it changes, or 0
	args   []any
	take   []payment.Key
	sql    string
	lazy   string
	kind   kind
	cells  cells
}

// cells are a record's columns.
type cells struct {
	state       string
	money       bool
	created     int64
	due, notice *int64
	order, id   *int64
	slot        int16
	body        []byte
	terms       string
}

func newRow(c payment.Change, k [payment.RefBytes]byte) (*row, error) {
	r := c.Record
	next := r.Version + 1
	body, err := packed.Body(r, next)
	if err != nil {
		return nil, err
	}
	money := packed.Money(r)
	for _, key := range c.Take {
		money = money || key.Kind != payment.KeyIntent
	}
	w := &row{ref: k, next: int64(next), writer: 1 + rand.Int64N(math.MaxInt64), had: r.Mark, take: slices.Clone(c.Take)} //nolint:gosec // not a secret
	w.cells = cells{
		state: string(r.State), money: money, created: int64(packed.Time(r.CreatedAt)), due: number(packed.Time(r.Earliest())), //nolint:gosec // 63 bits
		notice: number(uint64(noticeOf(r))), order: hashed(r.Order), id: hashed(r.ID), slot: int16(k[0]), //nolint:gosec // never negative
		body: (&packed.Entry{Rec: r}).Encode(body), terms: termsOf(r),
	}
	w.args = w.columns()
	if next > 1 {
		w.args = append(w.args, w.had)
	}
	if len(c.Take) > 0 {
		hashes, intents := taken(c.Take)
		w.args = append(w.args, hashes, intents)
	}
	w.sql, w.lazy = changeSQL(next == 1, len(c.Take) > 0, false), changeSQL(next == 1, len(c.Take) > 0, true)
	if !c.Lazy {
		w.lazy = ""
	}
	w.kind = kindOf(next == 1, len(c.Take) > 0, c.Lazy)
	return w, nil
}

// columns returns the arguments of a record's columns, in the order of the table.
func (w *row) columns() []any {
	x := w.cells
	return []any{w.ref[:], w.next, w.writer, x.state, x.money, x.created, x.due, x.slot, x.notice, x.order, x.id, x.body, x.terms}
}

// taken are keys as they are stored, each once and in one order for all nodes,
// so that two changes never wait for each other.
func taken(keys []payment.Key) (hashes [][]byte, intents []bool) {
	type one struct {
		hash   []byte
		intent bool
	}
	all := make([]one, 0, len(keys))
	for _, k := range keys {
		all = append(all, one{k.Hash(), k.Kind == payment.KeyIntent})
	}
	slices.SortFunc(all, func(a, b one) int { return bytes.Compare(a.hash, b.hash) })
	all = slices.CompactFunc(all, func(a, b one) bool { return bytes.Equal(a.hash, b.hash) })
	for _, o := range all {
		hashes, intents = append(hashes, o.hash), append(intents, o.intent)
	}
	return hashes, intents
}

// number returns a number or, for 0, nothing.
func number(n uint64) *int64 {
	if n == 0 {
		return nil
	}
	v := int64(n) //nolint:gosec // 63 bits
	return &v
}

// hashed returns how an order or an id is found; what collides is filtered out.
func hashed(text string) *int64 {
	if text == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(text))
	v := int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // its bits
	return &v
}

// Commit implements [payment.Store].
func (s *Store) Commit(ctx context.Context, c payment.Change) error {
	if c.Record == nil {
		return errors.New("a change without a record")
	}
	k, ok := c.Record.Ref.Bytes()
	if !ok {
		return fmt.Errorf("committing: %w", payment.ErrRef)
	}
	w, err := newRow(c, k)
	if err != nil {
		return fmt.Errorf("committing %s: %w", c.Record.Ref, err)
	}
	if err := tell(ctx, s, func() error { return s.commit(ctx, w) }); err != nil {
		return err
	}
	c.Record.Version, c.Record.Mark = c.Record.Version+1, w.writer
	return nil
}

func (s *Store) commit(ctx context.Context, w *row) error {
	ctx, op, done, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	return s.write(ctx, op, w)
}

// write sends a change until it is known what became of it.
func (s *Store) write(ctx context.Context, op *operation, w *row) error {
	open := false // an earlier try has no outcome
	for {
		n, fate, err := s.send(ctx, op, w)
		switch {
		case err == nil && n == 1:
			return nil
		case err == nil && !open:
			return payment.ErrConflict
		case err == nil:
			return s.whose(ctx, op, w)
		case isState(err, stateUnique):
			// The version fits, so no earlier try of this change has succeeded.
			taken, moved, err := s.holders(ctx, w)
			switch {
			case err != nil:
				return err
			case moved && open:
				return s.whose(ctx, op, w)
			case moved:
				return payment.ErrConflict
			case taken != nil:
				return taken
			}
			fate = collided // its holder was forgotten meanwhile
		case fate == lost:
			open = true
		}
		if fate == refused || !op.again() {
			if open {
				err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
			}
			return s.gaveUp("committing a payment", fate, err)
		}
	}
}

// send tries a change once: at first together with others that come at the
// same time, and by itself when that did not give an outcome.
func (s *Store) send(ctx context.Context, op *operation, w *row) (n int64, f fate, err error) {
	if g := s.groupOf(w); g != nil && op.tries == 0 {
		m := &member{ctx: ctx, row: w}
		g.do(m)
		return m.n, m.fate, m.err
	}
	return s.sendAlone(ctx, w)
}

func (s *Store) sendAlone(ctx context.Context, w *row) (n int64, f fate, err error) {
	f, err = s.try(ctx, func(c *pgxpool.Conn) error {
		sql := w.sql
		if w.lazy != "" && s.plain() {
			sql = w.lazy
		}
		tag, err := c.Exec(ctx, sql, w.args...)
		n = tag.RowsAffected()
		return err
	})
	return n, f, err
}

// whose tells, after a try without an outcome, whether the record that has moved
// on was moved by it.
func (s *Store) whose(ctx context.Context, op *operation, w *row) error {
	for {
		var version, writer int64
		fate, err := s.try(ctx, func(c *pgxpool.Conn) error {
			err := c.QueryRow(ctx, sqlOf, w.ref[:]).Scan(&version, &writer)
			if errors.Is(err, pgx.ErrNoRows) {
				version = 0
				return nil
			}
			return err
		})
		switch {
		case err == nil && version == w.next && writer == w.writer:
			return nil
		case err == nil && version > 0 && version <= w.next:
			// Another's, or one of before that isn't what this was based on: both
			// keep a try that is still under way from writing anything.
			return payment.ErrConflict
		case err == nil:
			// It went on from there, or was forgotten.
			return fmt.Errorf("committing a payment: %w", ErrUnknownOutcome)
		}
		if fate == refused || !op.again() {
			return s.gaveUp("committing a payment", fate, fmt.Errorf("%w: %w", ErrUnknownOutcome, err))
		}
	}
}

// holders names the first key that is not free, or nil if all are by now, and
// tells whether the version has moved on meanwhile: both of one moment, since what
// was true when the statement failed may be true no more. After an error nothing
// was written.
func (s *Store) holders(ctx context.Context, w *row) (first *payment.TakenError, moved bool, err error) {
	held := make(map[string][]byte)
	hashes, _ := taken(w.take)
	_, err = s.try(ctx, func(c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, sqlHolders, hashes, w.ref[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var version int64
			var key, ref []byte
			if err := rows.Scan(&version, &key, &ref); err != nil {
				return err
			}
			moved = version != w.next-1
			held[string(key)] = ref
		}
		return rows.Err()
	})
	if err != nil {
		return nil, false, fmt.Errorf("looking for a key's holder: %w", told(err))
	}
	for _, key := range w.take {
		ref, ok := held[string(key.Hash())]
		switch {
		case !ok || bytes.Equal(ref, w.ref[:]):
		case ref == nil:
			return &payment.TakenError{Key: key}, moved, nil
		default:
			return &payment.TakenError{Key: key, Holder: payment.RefOf(ref)}, moved, nil
		}
	}
	return nil, moved, nil
}
