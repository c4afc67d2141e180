package operatetest

import (
	"reflect"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// PutHostile writes a record of a state in which every field is filled, and each that
// customers, shops, providers or people write has a text in it.
func (l *Ledger) PutHostile(state payment.State, seed int, text string) *payment.Record {
	l.T.Helper()
	return l.Put(state, payment.ReasonOwed, func(r *payment.Record) {
		full := storagetest.FullRecord(seed)
		full.State, full.Reason, full.CreatedAt, full.UpdatedAt, full.Generation = r.State, r.Reason, r.CreatedAt, r.UpdatedAt, r.Generation
		poison(reflect.ValueOf(full).Elem(), text)
		full.Ref, full.ID, full.Site, full.Route, full.Provider, full.Issuer, full.Environment = "", r.ID, r.Site, r.Route, r.Provider, r.Issuer, r.Environment
		*r = *full
	})
}

// poison adds a text to each field that is plain text.
func poison(v reflect.Value, text string) {
	switch {
	case v.Type() == reflect.TypeFor[string]():
		v.SetString(v.String() + text)
	case v.Kind() == reflect.Pointer && !v.IsNil():
		poison(v.Elem(), text)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		for i := range v.Len() {
			poison(v.Index(i), text)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				poison(v.Field(i), text)
			}
		}
	}
}
