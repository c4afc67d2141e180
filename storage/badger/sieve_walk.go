package badger

import (
	"context"
	"encoding/binary"
	"slices"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
)

// siever walks the entries of payments that may have one of some terms.
type siever struct {
	ctx      context.Context //nolint:containedctx // of the one listing that it serves
	entries  *bdb.Iterator
	sieves   *bdb.Iterator
	boundary uint64
	want     []termHash
	// from and to are of the sieve that the walker is in and that has let it pass.
	from, to uint64
	steps    int
	end      bool
}

func newSiever(ctx context.Context, c *cursors, terms ...payment.Term) (*siever, error) {
	b, err := getCopy(c.Txn, metaBoundary)
	if err != nil {
		return nil, err
	}
	s := &siever{
		ctx: ctx, boundary: decodeHigh(b),
		entries: c.keys([]byte{tableCreated}), sieves: c.keys([]byte{tableSieve}),
	}
	for _, t := range terms {
		if h := hashOf(t); !slices.Contains(s.want, h) {
			s.want = append(s.want, h)
		}
	}
	return s, nil
}

func (s *siever) seek(p place) {
	s.end = false
	s.entries.Seek(append([]byte{tableCreated}, p[:]...))
	s.settle()
}

func (s *siever) valid() bool { return !s.end && s.entries.Valid() }

func (s *siever) place() (p place) {
	copy(p[:], s.entries.Item().Key()[1:])
	return p
}

func (s *siever) next() {
	s.entries.Next()
	s.settle()
}

// settle goes on to the first entry that has what is looked for. Where a sieve does not
// let it pass, it leaves out all entries that the sieve is of.
func (s *siever) settle() {
	for s.valid() {
		if s.steps++; s.steps%1024 == 0 && s.ctx.Err() != nil {
			s.end = true // List tells why
			return
		}
		p := s.place()
		t := ^binary.BigEndian.Uint64(p[:])
		if t < s.boundary && (t < s.from || t >= s.to) && !s.enter(t) {
			continue
		}
		found := false
		_ = s.entries.Item().Value(func(v []byte) error { found = has(v, s.want); return nil })
		if found {
			return
		}
		s.entries.Next()
	}
}

// enter looks for the sieve of a time. It reports whether the walker may go on where it
// is; otherwise it has moved on, to the next entries that a sieve lets pass.
func (s *siever) enter(t uint64) bool {
	for s.sieves.Seek(sieveKey(t)); s.sieves.Valid(); s.sieves.Next() {
		if s.steps++; s.steps%1024 == 0 && s.ctx.Err() != nil {
			break
		}
		from := ^binary.BigEndian.Uint64(s.sieves.Item().Key()[1:])
		var to uint64
		pass := false
		_ = s.sieves.Item().Value(func(v []byte) error {
			if len(v) >= timeSize {
				to, pass = binary.BigEndian.Uint64(v), passes(v[timeSize:], s.want)
			}
			return nil
		})
		if !pass {
			continue
		}
		s.from, s.to = from, to
		if t < to {
			return true
		}
		s.entries.Seek(timed(tableCreated, ^(to - 1), nil))
		return false
	}
	s.end = true // what is older has keys
	return false
}

// lookedUp walks what terms lead to: by the keys that they have, and by the sieves.
func lookedUp(ctx context.Context, c *cursors, terms ...payment.Term) (walker, error) {
	s, err := newSiever(ctx, c, terms...)
	if err != nil {
		return nil, err
	}
	m := &merger{parts: []walker{s}}
	for _, t := range terms {
		m.parts = append(m.parts, newFinder(c, findPrefix(byte(t.Field), t.Value)))
	}
	return m, nil
}

var _ walker = (*siever)(nil)
