package simulation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// ledger is what lies on the disk, and what only the operating system has of it
// yet: a crash of the process loses nothing, a power cut any part of the tail
// that was not synced. Records in it are never changed, only replaced.
type ledger struct {
	records map[payment.Ref]*payment.Record
	keys    map[payment.Key]payment.Ref
	money   map[payment.Ref]bool // money was, or may have been, behind it once
	tracks  map[string]payment.Track
	secrets map[string][]byte
	gen     payment.Generation
	// mark is the newest of the marks, which no two changes share, not even after
	// a backup was put back; nil where the ledger gives none.
	mark *int64
	// tail are the changes since the last sync, oldest first.
	tail []undo
	// due caches the earliest Due.
	due   time.Time
	stale bool
	// real, if set, is a store to which all is done as well, and whose answers count.
	real *realStore
}

// undo takes one change back.
type undo struct {
	ref   payment.Ref
	old   *payment.Record // nil: there was none
	taken []payment.Key
	gone  map[payment.Key]payment.Ref // keys that the change removed
}

func newLedger(now time.Time, mark *int64) *ledger {
	return &ledger{
		records: make(map[payment.Ref]*payment.Record), keys: make(map[payment.Key]payment.Ref), money: make(map[payment.Ref]bool),
		tracks: make(map[string]payment.Track), secrets: make(map[string][]byte),
		gen: payment.Generation{Seq: 1, Start: now, ID: "simulated"}, mark: mark,
	}
}

// copy is a backup: as much as is on disk now.
func (l *ledger) copy() *ledger {
	return &ledger{
		records: maps.Clone(l.records), keys: maps.Clone(l.keys), money: maps.Clone(l.money), tracks: maps.Clone(l.tracks), secrets: maps.Clone(l.secrets),
		gen: l.gen, mark: l.mark, stale: true,
	}
}

// commit writes a change, or says why it can't be.
func (l *ledger) commit(c payment.Change) error {
	if l.real == nil {
		return l.write(c)
	}
	twin := payment.Change{Record: c.Record.Clone(), Take: slices.Clone(c.Take), Lazy: c.Lazy}
	err := l.write(c)
	return l.real.commit(twin, c.Record, err)
}

func (l *ledger) write(c payment.Change) error {
	if c.Record == nil {
		return payment.ErrRef
	}
	if _, err := payment.ParseRef(string(c.Record.Ref)); err != nil {
		return err
	}
	old := l.records[c.Record.Ref]
	if old == nil && c.Record.Version != 0 || old != nil && (old.Version != c.Record.Version || c.Record.Mark != 0 && old.Mark != c.Record.Mark) {
		return payment.ErrConflict
	}
	for _, k := range c.Take {
		if holder, ok := l.keys[k]; ok && holder != c.Record.Ref {
			return &payment.TakenError{Key: k, Holder: holder}
		}
	}
	u := undo{ref: c.Record.Ref, old: old}
	for _, k := range c.Take {
		if _, ok := l.keys[k]; !ok {
			u.taken = append(u.taken, k)
			l.keys[k] = c.Record.Ref
		}
	}
	c.Record.Version++
	if l.mark != nil {
		*l.mark++
		c.Record.Mark = *l.mark
	}
	now := c.Record.Clone()
	l.records[now.Ref] = now
	if now.State.Captured() || now.State == payment.Review || now.State == payment.Reversed || now.Receipt != nil {
		l.money[now.Ref] = true
	}
	l.changed(u, c.Lazy)
	return nil
}

func (l *ledger) changed(u undo, lazy bool) {
	l.stale = true
	if lazy {
		l.tail = append(l.tail, u)
	} else {
		l.tail = nil // syncing one change syncs all before it
	}
}

// get gives a record, or nil.
func (l *ledger) get(ref payment.Ref) *payment.Record {
	if l.real == nil {
		return l.records[ref]
	}
	return l.real.get(ref, l.records[ref])
}

// holder gives who holds a key.
func (l *ledger) holder(k payment.Key) (ref payment.Ref, ok bool) {
	if ref, ok = l.keys[k]; l.real != nil {
		l.real.holder(k, ref, ok)
	}
	return ref, ok
}

// reserve takes a key without a record.
func (l *ledger) reserve(k payment.Key) {
	if l.keys[k] = ""; l.real != nil {
		l.real.reserve(k)
	}
}

func (l *ledger) forget(ref payment.Ref, version uint64) error {
	err := l.erase(ref, version)
	if l.real != nil {
		l.real.forget(ref, version, err)
	}
	return err
}

func (l *ledger) erase(ref payment.Ref, version uint64) error {
	r := l.records[ref]
	if r == nil || r.Version != version || r.State != payment.Declined && r.State != payment.Expired || l.money[ref] {
		return payment.ErrConflict
	}
	u := undo{ref: ref, old: r, gone: make(map[payment.Key]payment.Ref)}
	for k, holder := range l.keys {
		if holder == ref && k.Kind != payment.KeyIntent {
			return payment.ErrConflict
		}
		if holder == ref {
			u.gone[k] = holder
		}
	}
	for k := range u.gone {
		delete(l.keys, k)
	}
	delete(l.records, ref)
	l.changed(u, true)
	return nil
}

// cut loses the last n changes of the tail, as a power cut does.
func (l *ledger) cut(n int) {
	for range min(n, len(l.tail)) {
		u := l.tail[len(l.tail)-1]
		l.tail = l.tail[:len(l.tail)-1]
		if u.old == nil {
			delete(l.records, u.ref)
		} else {
			l.records[u.ref] = u.old
		}
		for _, k := range u.taken {
			delete(l.keys, k)
		}
		maps.Copy(l.keys, u.gone)
	}
	l.tail, l.stale = nil, true
}

// durable is a record as a power cut at this moment could leave it at worst;
// nil if it could be gone.
func (l *ledger) durable(ref payment.Ref) *payment.Record {
	for _, u := range l.tail {
		if u.ref == ref {
			return u.old
		}
	}
	return l.records[ref]
}

// next is when the earliest record is due; zero if none is.
func (l *ledger) next() time.Time {
	if l.stale {
		l.due, l.stale = time.Time{}, false
		for _, r := range l.records {
			if due := r.Earliest(); !due.IsZero() && (l.due.IsZero() || due.Before(l.due)) {
				l.due = due
			}
		}
	}
	return l.due
}

// overdue lists what is due at t, oldest first.
func (l *ledger) overdue(t time.Time, limit int) []payment.Ref {
	if next := l.next(); next.IsZero() || next.After(t) {
		return nil
	}
	var due []*payment.Record
	for _, r := range l.records {
		if at := r.Earliest(); !at.IsZero() && !at.After(t) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *payment.Record) int {
		if n := a.Earliest().Compare(b.Earliest()); n != 0 {
			return n
		}
		return strings.Compare(string(a.Ref), string(b.Ref))
	})
	refs := make([]payment.Ref, 0, len(due))
	for _, r := range due[:min(limit, len(due))] {
		refs = append(refs, r.Ref)
	}
	if l.real != nil {
		l.real.due(t, limit, refs)
	}
	return refs
}

// sorted are all records by name, so that nobody sees a map's order.
func (l *ledger) sorted() []*payment.Record {
	all := make([]*payment.Record, 0, len(l.records))
	for _, r := range l.records {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *payment.Record) int { return strings.Compare(string(a.Ref), string(b.Ref)) })
	return all
}

// heldBy are the keys that a record holds.
func (l *ledger) heldBy(ref payment.Ref) []payment.Key {
	var keys []payment.Key
	for k, holder := range l.keys {
		if holder == ref {
			keys = append(keys, k)
		}
	}
	return keys
}
