package badger

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/rahgir/caddy-payments/payment"
)

// common walks what two walkers have in common, each skipping to the other's next
// place: two narrow indexes whose payments lie far apart cost few steps.
type common struct{ a, b walker }

// stepsFirst is how many single steps are tried before a walker is made to seek, which
// costs as much as several.
const stepsFirst = 8

func (c *common) seek(p place) {
	c.a.seek(p)
	c.b.seek(p)
	c.settle()
}

func (c *common) settle() {
	for c.a.valid() && c.b.valid() {
		x, y := c.a.place(), c.b.place()
		switch bytes.Compare(x[:], y[:]) {
		case 0:
			return
		case -1:
			advance(c.a, y)
		default:
			advance(c.b, x)
		}
	}
}

func advance(w walker, to place) {
	for range stepsFirst {
		if w.next(); !w.valid() {
			return
		}
		if p := w.place(); bytes.Compare(p[:], to[:]) >= 0 {
			return
		}
	}
	w.seek(to)
}

func (c *common) valid() bool  { return c.a.valid() && c.b.valid() }
func (c *common) place() place { return c.a.place() }
func (c *common) next() {
	c.a.next()
	c.settle()
}

// searched walks what one of the terms leads to.
func searched(ctx context.Context, c *cursors, terms []payment.Term) (walker, error) {
	m := &merger{}
	var others []payment.Term
	for _, t := range terms {
		var w walker
		var err error
		switch t.Field {
		case payment.FieldRef:
			w, err = byRef(c, t.Value)
		case payment.FieldID:
			w, err = receiptOf(c, t.Value)
		case payment.FieldNumber:
			w, err = holders(c, func(issuer string) payment.Key { return payment.NumberKey(issuer, t.Value) })
		}
		if err != nil {
			return nil, err
		}
		if w != nil {
			m.parts = append(m.parts, w)
		}
		if t.Field != payment.FieldRef {
			others = append(others, t)
		}
	}
	if len(others) == 0 {
		return m, nil
	}
	w, err := lookedUp(ctx, c, others...)
	if err != nil {
		return nil, err
	}
	m.parts = append(m.parts, w)
	return m, nil
}

// refMost bounds how many records one beginning of a reference may lead to.
const refMost = 1000

// byRef walks the records whose reference begins so.
func byRef(c *cursors, text string) (walker, error) {
	p := &places{}
	if len(text) > payment.RefLen {
		return p, nil
	}
	padded := text + string(bytes.Repeat([]byte{'0'}, payment.RefLen-len(text)))
	low, ok := payment.Ref(padded).Bytes()
	if !ok {
		return p, nil
	}
	prefix := append([]byte{tableRecord}, low[:len(text)*5/8]...)
	it := c.keys(prefix)
	for it.Rewind(); it.Valid() && len(p.all) < refMost; it.Next() {
		k := refKey(it.Item().Key()[1:])
		e, err := loadEntry(c.Txn, payment.RefOf(k[:]), k)
		if err != nil {
			return nil, err
		}
		p.all = append(p.all, place(createdKey(e.Rec.CreatedAt, k)[1:]))
	}
	p.sort()
	return p, nil
}

// dueMost is how many payments that the worker looks after are read to find those in a
// state that payments pass quickly.
const dueMost = 5_000

// dueIn gathers the payments in states that payments pass quickly; ok is false if
// there are too many that the worker looks after.
func dueIn(c *cursors, states []payment.State) (w walker, ok bool, err error) {
	p := &places{}
	it := c.keys([]byte{tableDue})
	n := 0
	for it.Rewind(); it.Valid(); it.Next() {
		if n++; n > dueMost {
			return nil, false, nil
		}
		k := refKey(it.Item().Key()[1+timeSize:])
		e, err := loadEntry(c.Txn, payment.RefOf(k[:]), k)
		if errors.Is(err, payment.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		if slices.Contains(states, e.Rec.State) {
			p.all = append(p.all, place(createdKey(e.Rec.CreatedAt, k)[1:]))
		}
	}
	p.sort()
	return p, true, nil
}

func (p *places) sort() {
	slices.SortFunc(p.all, func(a, b place) int { return bytes.Compare(a[:], b[:]) })
}

var _ walker = (*common)(nil)
