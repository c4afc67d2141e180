package badger

import (
	"slices"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// mark is one place where a record is listed, before it is written as a key: most
// changes of a record leave nearly all of its marks as they are, and comparing them
// costs less than making keys.
type mark struct {
	table byte
	class byte   // of tableNotice; the field of tableFind
	text  string // what its hash is of; of tableCreated the value
	at    uint64
}

// marks returns where a record is listed. What it is found by is in its entry if it
// is not older than the boundary of the sieves, else it has keys.
func marks(l *listed) []mark {
	r := l.Rec
	created := packed.Time(r.CreatedAt)
	ms := make([]mark, 0, 4)
	if created >= l.boundary {
		ms = append(ms, mark{table: tableCreated, at: created, text: l.hashes})
	} else {
		ms = append(ms, mark{table: tableCreated, at: created})
		for _, t := range l.terms {
			ms = append(ms, mark{tableFind, byte(t.Field), t.Value, created})
		}
	}
	due := r.Earliest()
	if !due.IsZero() {
		ms = append(ms, mark{table: tableDue, at: packed.Time(due)})
	}
	c, ok := stateNotices[r.State]
	if ok {
		ms = append(ms, mark{table: tableNotice, class: c, at: created})
	}
	if r.Waits() && (!ok || r.OpenRefund() >= 0) {
		ms = append(ms, mark{table: tableNotice, class: noticeWaits, at: created})
	}
	if r.Owed() {
		ms = append(ms, mark{table: tableNotice, class: classOwed, at: created})
	}
	if onTheWay(r.State) && due.IsZero() {
		ms = append(ms, mark{table: tableNotice, class: noticeIdle, at: created})
	}
	for _, p := range r.Reports {
		classes := webhookNotices
		if p.Kind.Conversion() {
			classes = networkNotices
		}
		if c, ok := classes[p.State]; ok {
			m := mark{table: tableNotice, class: c, at: created}
			if !slices.Contains(ms, m) {
				ms = append(ms, m)
			}
		}
	}
	return append(ms, mark{tableScope, 0, scopeName(r.Site, r.Provider), created})
}

func (m mark) key(k refKey) []byte {
	switch m.table {
	case tableCreated:
		return timed(tableCreated, ^m.at, k[:])
	case tableDue:
		return timed(tableDue, m.at, k[:])
	case tableNotice:
		return noticeKey(m.class, m.at, k)
	case tableScope:
		return pointed(scopePrefix(m.text), m.at, k)
	}
	return pointed(findPrefix(m.class, m.text), m.at, k)
}

// indexChanges turns the index entries of before into those of after; either
// may be nil.
func indexChanges(get getter, k refKey, before *listed, after *packed.Entry) ([]write, *listed, error) {
	b, err := get(metaBoundary)
	if err != nil {
		return nil, nil, err
	}
	boundary := decodeHigh(b)
	before = before.at(boundary)
	now := list(after, before, boundary)
	var was, is []mark
	if before != nil {
		was = before.marks
	}
	if now != nil {
		is = now.marks
	}
	var ws []write
	for _, m := range was {
		if !slices.ContainsFunc(is, m.sameKey) {
			ws = append(ws, write{Key: m.key(k), Del: true})
		}
	}
	for _, m := range is {
		if slices.Contains(was, m) {
			continue
		}
		if m.table == tableScope {
			more, err := enterScope(get, m.text)
			if err != nil {
				return nil, nil, err
			}
			if ws = append(ws, more.writes...); more.first {
				continue
			}
		}
		w := write{Key: m.key(k)}
		if m.table == tableCreated {
			w.Value = []byte(m.text)
		}
		ws = append(ws, w)
	}
	return ws, now, nil
}

// sameKey reports whether two marks of one record differ in their value at most.
func (m mark) sameKey(o mark) bool {
	return m == o || m.table == tableCreated && o.table == tableCreated && m.at == o.at
}

// noticeWaits is the class of payments that are paid and not taken by their shop.
const noticeWaits = 'w'

// noticeIdle is the class of payments in a state that payments pass quickly, after
// which the worker doesn't look: the engine makes none.
const noticeIdle = 'i'

// stateNotices are the classes of states that people look for. A payment that goes
// well passes one of them at most, created, so the index costs it little.
var stateNotices = map[payment.State]byte{
	payment.Created: 'c', payment.Unknown: 'u', payment.Review: 'r', payment.Parked: 'p', payment.Declined: 'd', payment.Expired: 'e', payment.Reversed: 'v',
}

// onTheWay reports whether a payment passes a state quickly. Each such state has a time at which the
// worker looks again, so the index of due times has them all.
func onTheWay(s payment.State) bool {
	return s == payment.Verifying || s == payment.Verified || s == payment.Delivering
}

// classOwed is of refused payments whose money is with the shop.
const classOwed = 'o'

// The classes of reports that a person must look at: to affiliates, and to webhooks.
var (
	networkNotices = map[payment.ReportState]byte{payment.RejectedReport: 'R', payment.PerhapsReport: 'U', payment.ParkedReport: 'P'}
	webhookNotices = map[payment.ReportState]byte{payment.ParkedReport: 'W', payment.RejectedReport: 'X'}
)
