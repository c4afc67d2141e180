package badger

import (
	"bytes"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// indexKeys are the keys that lead to a record, in a fixed order; nil where
// one does not apply.
func indexKeys(k refKey, e *packed.Entry) [5 + len(reportClasses)][]byte {
	var keys [5 + len(reportClasses)][]byte
	if e == nil {
		return keys
	}
	r := e.Rec
	keys[0] = createdKey(r.CreatedAt, k)
	if due := r.Earliest(); !due.IsZero() {
		keys[1] = dueKey(due, k)
	}
	if r.ID != "" && !e.Receipt {
		keys[2] = findKey(findID, r.ID, r.CreatedAt, k)
	}
	if r.Order != "" {
		keys[3] = findKey(findOrder, r.Order, r.CreatedAt, k)
	}
	switch c, ok := stateNotice(r.State); {
	case ok:
		keys[4] = noticeKey(c, r.CreatedAt, k)
	case r.Owed():
		keys[4] = noticeKey(classOwed, r.CreatedAt, k)
	}
	for _, p := range r.Reports {
		if c, ok := reportNotice(p.Kind.Conversion(), p.State); ok {
			keys[5+bytes.IndexByte(reportClasses[:], c)] = noticeKey(c, r.CreatedAt, k)
		}
	}
	return keys
}

// indexChanges turns the index entries of before into those of after; either
// may be nil.
func indexChanges(k refKey, before, after *packed.Entry) []write {
	was, is := indexKeys(k, before), indexKeys(k, after)
	var ws []write
	for i := range is {
		if bytes.Equal(was[i], is[i]) {
			continue
		}
		if was[i] != nil {
			ws = append(ws, write{Key: was[i], Del: true})
		}
		if is[i] != nil {
			ws = append(ws, write{Key: is[i]})
		}
	}
	return ws
}

// stateNotice is the class of a state that people look for. A payment that goes
// well is never in one of them, so the index costs it nothing.
func stateNotice(s payment.State) (byte, bool) {
	switch s {
	case payment.Unknown:
		return 'u', true
	case payment.Review:
		return 'r', true
	case payment.Parked:
		return 'p', true
	}
	return 0, false
}

// classOwed is of refused payments whose money is with the shop.
const classOwed = 'o'

// reportClasses are those of reports that a person must look at: to affiliates
// rejected, perhaps and parked; to webhooks rejected or parked.
var reportClasses = [...]byte{'R', 'U', 'P', 'W', 'X'}

func reportNotice(conversion bool, s payment.ReportState) (byte, bool) {
	switch {
	case conversion && s == payment.RejectedReport:
		return 'R', true
	case conversion && s == payment.PerhapsReport:
		return 'U', true
	case conversion && s == payment.ParkedReport:
		return 'P', true
	case !conversion && s == payment.ParkedReport:
		return 'W', true
	case !conversion && s == payment.RejectedReport:
		return 'X', true
	}
	return 0, false
}
