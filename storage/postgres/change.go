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

// row is a change as it is sent.
type row struct {
	ref    [payment.RefBytes]byte
	next   int64
	writer int64
	had    int64 // the writer of what it changes, or 0
	take   []payment.Key
	lazy   bool
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
	w := &row{ref: k, next: int64(next), writer: 1 + rand.Int64N(math.MaxInt64), had: r.Mark, take: slices.Clone(c.Take), lazy: c.Lazy} //nolint:gosec // not a secret
	w.cells = cells{
		state: string(r.State), money: money, created: int64(packed.Time(r.CreatedAt)), due: number(packed.Time(r.Earliest())), //nolint:gosec // 63 bits
		notice: number(uint64(noticeOf(r))), order: hashed(r.Order), id: hashed(r.ID), slot: int16(k[0]), //nolint:gosec // never negative
		body: (&packed.Entry{Rec: r}).Encode(body), terms: termsOf(r),
	}
	return w, nil
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
	m := &member{ctx: ctx, row: w}
	if g := s.groupOf(w); g != nil && op.tries == 0 {
		g.do(m)
	} else {
		s.sendAll([]*member{m})
	}
	return m.n, m.fate, m.err
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
		var version int64
		var key, ref []byte
		rows, _ := c.Query(ctx, sqlHolders, hashes, w.ref[:]) // ForEachRow returns its error
		_, err := pgx.ForEachRow(rows, []any{&version, &key, &ref}, func() error {
			moved = version != w.next-1
			held[string(key)] = ref
			return nil
		})
		return err
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
