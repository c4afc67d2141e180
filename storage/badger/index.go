package badger

import (
	"bytes"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// indexKeys are the keys that lead to a record, in a fixed order; nil where
// one does not apply.
func indexKeys(k refKey, e *packed.Entry) [6][]byte {
	var keys [6][]byte
	if e == nil {
		return keys
	}
	r := e.Rec
	keys[0] = createdKey(r.CreatedAt, k)
	if !r.Due.IsZero() {
		keys[1] = dueKey(r.Due, k)
	}
	if r.ID != "" && !e.Receipt {
		keys[2] = findKey(findID, r.ID, r.CreatedAt, k)
	}
	if r.Order != "" {
		keys[3] = findKey(findOrder, r.Order, r.CreatedAt, k)
	}
	if c, ok := stateNotice(r.State); ok {
		keys[4] = noticeKey(c, r.CreatedAt, k)
	}
	if r.Conversion != nil {
		if c, ok := conversionNotice(r.Conversion.State); ok {
			keys[5] = noticeKey(c, r.CreatedAt, k)
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

func conversionNotice(s payment.ConversionState) (byte, bool) {
	switch s {
	case payment.ConversionRejected:
		return 'R', true
	case payment.ConversionPerhaps:
		return 'U', true
	case payment.ConversionParked:
		return 'P', true
	}
	return 0, false
}
