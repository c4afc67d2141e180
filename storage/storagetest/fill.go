package storagetest

import (
	"bytes"
	"fmt"
	"reflect"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// FullRecord returns a record in which no field is zero but the store's own two,
// found by reflection, so that a store that forgets a field fails as soon as
// there is one. Each seed gives other values.
func FullRecord(seed int) *payment.Record {
	r := &payment.Record{}
	f := filler{n: seed * 1000}
	f.fill(reflect.ValueOf(r).Elem(), "Record")
	r.Ref = payment.NewRef("full", "", "", itoa(seed))
	r.Version, r.Mark = 0, 0
	return r
}

type filler struct{ n int }

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

func (f *filler) fill(v reflect.Value, path string) {
	f.n++
	switch {
	case v.Type() == timeType:
		// Not whole seconds: a store that rounds must fail.
		v.Set(reflect.ValueOf(base.Add(time.Duration(f.n)*time.Minute + time.Duration(f.n)*7919)))
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("%s-%d-پرداخت", path, f.n))
	case v.CanInt():
		v.SetInt(int64(f.n))
	case v.CanUint():
		v.SetUint(uint64(f.n))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), path)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes([]byte{0, 0xff, byte(f.n), '\n'})
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0), path)
		f.fill(v.Index(1), path)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue // of the record's own; no store keeps it
			}
			f.fill(v.Field(i), v.Type().Field(i).Name)
		}
	default:
		panic("storagetest can't fill " + path + ": a " + v.Kind().String())
	}
}

// Diff tells where two records differ, or "" if they don't.
func Diff(got, want *payment.Record) string {
	if d := diff(reflect.ValueOf(got).Elem(), reflect.ValueOf(want).Elem()); d != "" {
		return "Record" + d
	}
	return ""
}

// diff writes the path to a difference on its way back: most values are equal.
func diff(got, want reflect.Value) string {
	switch {
	case got.Type() == timeType:
		g, w := got.Interface().(time.Time), want.Interface().(time.Time)
		if !g.Equal(w) {
			return fmt.Sprintf(": %s, want %s", g, w)
		}
		if _, off := g.Zone(); off != 0 || (!g.IsZero() && g.Location() != time.UTC) {
			return ": not UTC"
		}
		return ""
	case got.Kind() == reflect.Struct:
		for i := range got.NumField() {
			if !got.Type().Field(i).IsExported() {
				continue
			}
			if d := diff(got.Field(i), want.Field(i)); d != "" {
				return "." + got.Type().Field(i).Name + d
			}
		}
		return ""
	case got.Kind() == reflect.Pointer && !got.IsNil() && !want.IsNil():
		return diff(got.Elem(), want.Elem())
	case got.Type() == bytesType && bytes.Equal(got.Bytes(), want.Bytes()):
		return ""
	case got.Kind() == reflect.Slice && got.Len() == want.Len():
		for i := range got.Len() {
			if d := diff(got.Index(i), want.Index(i)); d != "" {
				return fmt.Sprintf("[%d]%s", i, d)
			}
		}
		return ""
	case !reflect.DeepEqual(got.Interface(), want.Interface()):
		return fmt.Sprintf(": %.80v, want %.80v", got, want)
	}
	return ""
}
