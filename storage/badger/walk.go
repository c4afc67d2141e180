package badger

import (
	"bytes"
	"context"
	"slices"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
)

// walker walks places in order.
type walker interface {
	seek(place)
	valid() bool
	place() place
	next()
}

// cursors opens the iterators of one listing, which is read in one transaction, and
// closes them all at its end.
type cursors struct {
	*bdb.Txn
	open []*bdb.Iterator
}

func (c *cursors) keys(prefix []byte) *bdb.Iterator {
	it := c.NewIterator(keysOnly(prefix))
	c.open = append(c.open, it)
	return it
}

func (c *cursors) close() {
	for _, it := range c.open {
		it.Close()
	}
}

// scanner walks an index whose keys end in a place.
type scanner struct {
	it     *bdb.Iterator
	prefix []byte
}

func newScanner(c *cursors, prefix []byte) *scanner {
	return &scanner{c.keys(prefix), prefix}
}

func (s *scanner) seek(p place) { s.it.Seek(append(slices.Clone(s.prefix), p[:]...)) }
func (s *scanner) valid() bool  { return s.it.Valid() }
func (s *scanner) next()        { s.it.Next() }
func (s *scanner) place() (p place) {
	copy(p[:], s.it.Item().Key()[len(s.prefix):])
	return p
}

// merger walks several indexes as one.
type merger struct{ parts []walker }

func newMerger(c *cursors, classes []byte) *merger {
	m := &merger{}
	for _, class := range classes {
		m.parts = append(m.parts, newScanner(c, []byte{tableNotice, class}))
	}
	return m
}

func (m *merger) first() walker {
	var best walker
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

// next goes on in all parts that are at this place: a payment that several of them have
// is walked once.
func (m *merger) next() {
	at := m.first().place()
	for _, s := range m.parts {
		for s.valid() && s.place() == at {
			s.next()
		}
	}
}

// finder walks the index of orders or ids. Its entries have the time and the beginning
// of the ref; the rest of the ref is looked up in the index of creation.
type finder struct {
	times, refs *bdb.Iterator
	prefix      []byte
	within      []byte
}

func newFinder(c *cursors, prefix []byte) *finder {
	return &finder{times: c.keys(prefix), refs: c.keys([]byte{tableCreated}), prefix: prefix}
}

func (f *finder) seek(p place) {
	at := append(slices.Clone(f.prefix), p[:timeSize+findTail]...)
	f.times.Seek(at)
	if f.times.Valid() && bytes.Equal(f.times.Item().Key(), at) {
		f.settle(p[timeSize+findTail:])
		return
	}
	f.settle(nil) // it is another's place: what comes after it begins anew
}

// settle moves to the first record that the current entry of times leads to, or that
// a later entry does.
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

// places walks places that were gathered before.
type places struct {
	all []place
	i   int
}

func (p *places) seek(to place) {
	p.i, _ = slices.BinarySearchFunc(p.all, to, func(a, b place) int { return bytes.Compare(a[:], b[:]) })
}
func (p *places) valid() bool  { return p.i < len(p.all) }
func (p *places) place() place { return p.all[p.i] }
func (p *places) next()        { p.i++ }

// findByID walks the records of an id: those that hold its receipt, one for each
// issuer, and those without a receipt.
func findByID(ctx context.Context, c *cursors, id string) (walker, error) {
	p, err := receiptOf(c, id)
	if err != nil {
		return nil, err
	}
	w, err := lookedUp(ctx, c, payment.NewTerm(payment.FieldID, id))
	if err != nil {
		return nil, err
	}
	return &merger{parts: []walker{w, p}}, nil
}

func receiptOf(c *cursors, id string) (walker, error) {
	return holders(c, func(issuer string) payment.Key { return payment.ReceiptKey(issuer, id) })
}

// holders gathers the records that a uniqueness key of each issuer leads to.
func holders(c *cursors, key func(issuer string) payment.Key) (walker, error) {
	p := &places{}
	it := c.keys([]byte{tableMeta, metaIssuer})
	for it.Rewind(); it.Valid(); it.Next() {
		issuer := string(it.Item().Key()[2:])
		holder, err := getCopy(c.Txn, uniqueKey(key(issuer)))
		if err != nil {
			return nil, err
		}
		if len(holder) != refSize {
			continue
		}
		k := refKey(holder)
		e, err := loadEntry(c.Txn, payment.RefOf(holder), k)
		if err != nil {
			return nil, err
		}
		if e.Receipt { // otherwise it is found without
			p.all = append(p.all, place(createdKey(e.Rec.CreatedAt, k)[1:]))
		}
	}
	p.sort()
	return p, nil
}

var (
	_ walker = (*scanner)(nil)
	_ walker = (*merger)(nil)
	_ walker = (*finder)(nil)
	_ walker = (*places)(nil)
)
