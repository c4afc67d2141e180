package badger

import (
	"slices"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// listed is a record's entry with the places where it is listed, which depend on the
// boundary of the sieves.
type listed struct {
	*packed.Entry
	terms    []payment.Term
	hashes   string // of terms
	marked   bool   // marks are worked out, for the boundary
	boundary uint64
	marks    []mark
}

// unlisted is an entry as it was read; it may be nil.
func unlisted(e *packed.Entry) *listed {
	if e == nil {
		return nil
	}
	return &listed{Entry: e}
}

// list works out where an entry is listed; e may be nil. before is the same record's
// former entry, or nil: what is equal there is not worked out again.
func list(e *packed.Entry, before *listed, boundary uint64) *listed {
	if e == nil {
		return nil
	}
	l := &listed{Entry: e, terms: terms(e), marked: true, boundary: boundary}
	if before != nil && slices.Equal(before.terms, l.terms) {
		l.hashes = before.hashes
	} else {
		l.hashes = hashes(l.terms)
	}
	l.marks = marks(l)
	return l
}

// at returns the same entry, listed as a boundary demands; l may be nil.
func (l *listed) at(boundary uint64) *listed {
	if l == nil || l.marked && l.boundary == boundary {
		return l
	}
	return list(l.Entry, l, boundary)
}

// recent keeps what the writer would otherwise read and decode again: the entries of
// payments that are on their way, each of which is written three or four times within a
// second, and the few values in tableMeta, which are asked for at each change and hardly
// ever written. Only the writing goroutine uses it.
//
// Invariant: what recent has is equal to what the newest settled batch has left, and
// nothing in the batch under way has written it. Every write takes its key out of recent
// before it is applied, so a batch that fails leaves nothing behind.
type recent struct {
	// Two halves, of which the older one is dropped when the newer one is full.
	newer, older map[refKey]*listed
	meta         map[string][]byte
}

const (
	recentMost = 512     // records in each half
	recentSize = 4 << 10 // bytes of an encoded record that is kept
	metaMost   = 256
)

// entry returns nil for a record that is to be read.
func (r *recent) entry(k refKey) *listed {
	if l := r.newer[k]; l != nil {
		return l
	}
	return r.older[k]
}

// settled keeps an entry that was committed, if another change of it is likely.
func (r *recent) settled(k refKey, l *listed, size int) {
	if size > recentSize || l.Rec.Due.IsZero() {
		return
	}
	if r.newer == nil || len(r.newer) >= recentMost {
		r.newer, r.older = make(map[refKey]*listed), r.newer
	}
	r.newer[k] = l
}

// forget takes out what is about to be written.
func (r *recent) forget(key []byte) {
	switch key[0] {
	case tableRecord:
		k := refKey(key[1:])
		delete(r.newer, k)
		delete(r.older, k)
	case tableMeta:
		delete(r.meta, string(key))
	}
}

// read keeps a value of tableMeta, nil if there is none.
func (r *recent) read(key, value []byte) {
	if r.meta == nil || len(r.meta) >= metaMost {
		r.meta = make(map[string][]byte)
	}
	r.meta[string(key)] = value
}
