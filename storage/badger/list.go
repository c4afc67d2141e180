package badger

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	// maxLooks bounds how many records one page looks at. A filter that few
	// records pass then gives short pages that go on, instead of one that takes
	// minutes.
	maxLooks = 20_000
)

// ErrCursor is returned for a text that is no cursor of this store.
var ErrCursor = errors.New("not a cursor of this listing")

// place is a record's place in the order of all listings: inverted creation,
// then ref.
type place [timeSize + refSize]byte

func (p place) ref() (k refKey) {
	copy(k[:], p[timeSize:])
	return k
}

func parseCursor(s string) (p place, err error) {
	if s == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(p) {
		return p, ErrCursor
	}
	copy(p[:], b)
	return p, nil
}

func (p place) cursor() string { return base64.RawURLEncoding.EncodeToString(p[:]) }

// List implements [payment.Store]. A page may hold fewer records than the
// limit and yet go on.
func (s *Store) List(ctx context.Context, q payment.Listing) (payment.Page, error) {
	var page payment.Page
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	err = s.view(func(txn *bdb.Txn) error {
		src := source(txn, q)
		defer src.close()
		var last place
		looks := 0
		for src.seek(after); src.valid(); src.next() {
			p := src.place()
			if q.Cursor != "" && bytes.Compare(p[:], after[:]) <= 0 {
				continue
			}
			if looks++; looks > maxLooks {
				page.Next = last.cursor()
				return nil
			}
			if looks%64 == 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			k := p.ref()
			e, err := loadEntry(txn, unpackRef(k[:]), k)
			if errors.Is(err, payment.ErrNotFound) {
				return fmt.Errorf("%w: %s is listed and missing", errCorrupt, unpackRef(k[:]))
			}
			if err != nil {
				return err
			}
			if !matches(q, e.rec) {
				last = p
				continue
			}
			if len(page.Records) == limit {
				page.Next = last.cursor()
				return nil
			}
			page.Records = append(page.Records, e.rec)
			last = p
		}
		return nil
	})
	if err != nil {
		return payment.Page{}, err
	}
	return page, nil
}

func matches(q payment.Listing, r *payment.Record) bool {
	if len(q.States) > 0 && !slices.Contains(q.States, r.State) {
		return false
	}
	if q.Conversion != "" && (r.Conversion == nil || r.Conversion.State != q.Conversion) {
		return false
	}
	return (q.Site == "" || q.Site == r.Site) && (q.Provider == "" || q.Provider == r.Provider) &&
		(q.Order == "" || q.Order == r.Order) && (q.ID == "" || q.ID == r.ID)
}

// source picks the narrowest index that has every record that q may select.
func source(txn *bdb.Txn, q payment.Listing) walker {
	switch {
	case q.ID != "":
		return newFinder(txn, findPrefix(findID, q.ID))
	case q.Order != "":
		return newFinder(txn, findPrefix(findOrder, q.Order))
	}
	if len(q.States) > 0 {
		var classes []byte
		for _, st := range q.States {
			c, ok := stateNotice(st)
			if !ok {
				classes = nil
				break
			}
			if !slices.Contains(classes, c) {
				classes = append(classes, c)
			}
		}
		if classes != nil {
			return newMerger(txn, classes)
		}
	}
	if c, ok := conversionNotice(q.Conversion); ok {
		return newMerger(txn, []byte{c})
	}
	return newScanner(txn, []byte{tableCreated})
}

// walker walks places in order.
type walker interface {
	seek(place)
	valid() bool
	place() place
	next()
	close()
}

// scanner walks an index whose keys end in a place.
type scanner struct {
	it     *bdb.Iterator
	prefix []byte
}

func newScanner(txn *bdb.Txn, prefix []byte) *scanner {
	return &scanner{txn.NewIterator(keysOnly(prefix)), prefix}
}

func (s *scanner) seek(p place) { s.it.Seek(append(slices.Clone(s.prefix), p[:]...)) }
func (s *scanner) valid() bool  { return s.it.Valid() }
func (s *scanner) next()        { s.it.Next() }
func (s *scanner) close()       { s.it.Close() }
func (s *scanner) place() (p place) {
	copy(p[:], s.it.Item().Key()[len(s.prefix):])
	return p
}

// merger walks several classes of notices as one.
type merger struct{ parts []*scanner }

func newMerger(txn *bdb.Txn, classes []byte) *merger {
	m := &merger{}
	for _, c := range classes {
		m.parts = append(m.parts, newScanner(txn, []byte{tableNotice, c}))
	}
	return m
}

func (m *merger) first() *scanner {
	var best *scanner
	var at place
	for _, s := range m.parts {
		if !s.valid() {
			continue
		}
		if p := s.place(); best == nil || bytes.Compare(p[:], at[:]) < 0 {
			best, at = s, p
		}
	}
	return best
}

func (m *merger) seek(p place) {
	for _, s := range m.parts {
		s.seek(p)
	}
}
func (m *merger) valid() bool  { return m.first() != nil }
func (m *merger) place() place { return m.first().place() }
func (m *merger) next()        { m.first().next() }
func (m *merger) close() {
	for _, s := range m.parts {
		s.close()
	}
}

// finder walks the index of orders or ids, whose entries name the time and the
// beginning of the ref, and looks the rest up in the index of creation.
type finder struct {
	times, refs *bdb.Iterator
	prefix      []byte
	within      []byte
}

func newFinder(txn *bdb.Txn, prefix []byte) *finder {
	return &finder{
		times:  txn.NewIterator(keysOnly(prefix)),
		refs:   txn.NewIterator(keysOnly([]byte{tableCreated})),
		prefix: prefix,
	}
}

func (f *finder) seek(p place) {
	f.times.Seek(append(slices.Clone(f.prefix), p[:timeSize+findTail]...))
	f.settle(p[timeSize+findTail:])
}

// settle stands on the first record that the entry under times leads to, or
// that a later one does.
func (f *finder) settle(ref []byte) {
	for f.times.Valid() {
		t := f.times.Item().Key()[len(f.prefix):]
		f.within = append([]byte{tableCreated}, t...)
		f.refs.Seek(append(slices.Clone(f.within), ref...))
		if f.refs.ValidForPrefix(f.within) {
			return
		}
		ref = nil
		f.times.Next()
	}
}

func (f *finder) valid() bool { return f.times.Valid() }

func (f *finder) place() (p place) {
	copy(p[:], f.refs.Item().Key()[1:])
	return p
}

func (f *finder) next() {
	f.refs.Next()
	if !f.refs.ValidForPrefix(f.within) {
		f.times.Next()
		f.settle(nil)
	}
}

func (f *finder) close() {
	f.times.Close()
	f.refs.Close()
}
