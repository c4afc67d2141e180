package strictjson

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// ErrForm is wrapped by errors about a member that is there but not in a form
// that can be read. They name the member, never its value.
var ErrForm = errors.New("has an unknown form")

// Has reports whether a member is there and not null.
func (o Object) Has(name string) bool { return o[name].kind != isNull }

// Text returns a string's content or a number's literal; "" if the member
// is absent or anything else.
func (o Object) Text(name string) string {
	if v := o[name]; v.kind == isString || v.kind == isNumber {
		return v.text
	}
	return ""
}

// True reports whether a member is the JSON literal true: not "true", not 1.
func (o Object) True(name string) bool { v := o[name]; return v.kind == isBool && v.text == "true" }

// Bool reads a JSON literal; ok is false for anything else, absent included.
func (o Object) Bool(name string) (value, ok bool) {
	v := o[name]
	return v.kind == isBool && v.text == "true", v.kind == isBool
}

// Blank reports whether a member is there and the empty string.
func (o Object) Blank(name string) bool { v := o[name]; return v.kind == isString && v.text == "" }

// whole takes off what PHP writes behind a whole number that it keeps as a float:
// ".0", or ".00" where it was formatted. Nothing else is taken off.
func whole(s string) string {
	for _, zeros := range []string{".00", ".0"} {
		if n, ok := strings.CutSuffix(s, zeros); ok && allDigits(strings.TrimPrefix(n, "-")) {
			return n
		}
	}
	return s
}

// Int reads a whole number that may be written as a string, in Persian or
// Arabic digits, and as PHP writes whole floats (100.0, 100.00). Exponents, other
// fractions, a plus sign and leading zeros are not whole numbers here.
func (o Object) Int(name string) (int64, bool) {
	s := whole(payment.ASCIIDigits(o.Text(name)))
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 18 || (digits[0] == '0' && s != "0") || !allDigits(digits) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// Amount reads an amount in rials. Absent, null and "" are no amount: zero and
// no error. Everything but a plain positive decimal, perhaps with a ".0" or ".00"
// behind it, is an error: "1e3", "100.5", "+1", "0x10", "1,000" and 0 are not
// amounts.
func (o Object) Amount(name string) (payment.Rials, error) {
	v := o[name]
	if v.kind == isNull || (v.kind == isString && v.text == "") {
		return 0, nil
	}
	n, err := payment.ParseRials(whole(payment.ASCIIDigits(o.Text(name))))
	if err != nil {
		return 0, fmt.Errorf("%s %w", name, ErrForm)
	}
	return n, nil
}

// AmountIn reads an amount that the provider counts in another unit, like Amount.
func (o Object) AmountIn(name string, unit payment.Unit) (payment.Rials, error) {
	n, err := o.Amount(name)
	if err != nil || n == 0 {
		return 0, err
	}
	r, err := unit.Rials(int64(n))
	if err != nil {
		return 0, fmt.Errorf("%s %w", name, ErrForm)
	}
	return r, nil
}

// Object returns a member that is an object. Absent, null and the empty list
// (PHP's way to write an empty object) give an empty one; ok is false if the
// member is something else.
func (o Object) Object(name string) (inner Object, ok bool) {
	switch v := o[name]; {
	case v.kind == isObject:
		return v.object, true
	case v.kind == isNull, v.kind == isList && len(v.list) == 0:
		return nil, true
	}
	return nil, false
}

// List returns the objects in a member that is a list; other elements are left
// out.
func (o Object) List(name string) []Object {
	var out []Object
	for _, v := range o[name].list {
		if v.kind == isObject {
			out = append(out, v.object)
		}
	}
	return out
}

// Texts returns the texts in a member: itself, those of a list, or an object's names
// and what stands behind them, in any order; lists and objects may nest once.
func (o Object) Texts(name string) []string {
	return o[name].texts(2)
}

func (v Value) texts(depth int) []string {
	var all []string
	switch v.kind {
	case isString:
		return []string{v.text}
	case isList:
		for _, e := range v.list {
			if depth > 0 {
				all = append(all, e.texts(depth-1)...)
			}
		}
	case isObject:
		for key, e := range v.object {
			if depth > 0 {
				all = append(append(all, key), e.texts(depth-1)...)
			}
		}
	case isNull, isBool, isNumber:
	}
	return all
}

// Tehran is the zone of provider times that name none. Iran has had no summer
// time since 2022, so a fixed offset serves without a zone database.
var Tehran = time.FixedZone("Asia/Tehran", 3*3600+1800)

// Times outside of these years are slips: a Jalali year, milliseconds.
const firstYear, lastYear = 2000, 2200

// Time reads unix seconds, as number or string, or RFC 3339; and, where zone is
// not nil, a zone-less time in that zone. The result is in UTC. ok is false for
// an absent member and for anything else, Jalali dates included: 1404 must
// never be read as a year of our era.
func (o Object) Time(name string, zone *time.Location) (t time.Time, ok bool) {
	if n, isInt := o.Int(name); isInt {
		return plausible(time.Unix(n, 0))
	}
	s := payment.ASCIIDigits(o.Text(name))
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return plausible(t)
	}
	if zone == nil {
		return time.Time{}, false
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return plausible(t)
		}
	}
	return time.Time{}, false
}

func plausible(t time.Time) (time.Time, bool) {
	t = t.UTC()
	if t.Year() < firstYear || t.Year() >= lastYear {
		return time.Time{}, false
	}
	return t, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// At reads a JSON pointer (RFC 6901): the text of what stands there, and its JSON kind
// as in "string", "number", "boolean", "null", "array", "object"; "" if nothing
// does. A number's text is its literal.
func (o Object) At(pointer string) (text, kind string) {
	v := Value{kind: isObject, object: o}
	for _, name := range strings.Split(pointer, "/")[1:] {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		switch v.kind {
		case isObject:
			next, ok := v.object[name]
			if !ok {
				return "", ""
			}
			v = next
		case isList:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v.list) {
				return "", ""
			}
			v = v.list[i]
		default:
			return "", ""
		}
	}
	return v.text, [...]string{isNull: "null", isBool: "boolean", isNumber: "number", isString: "string", isList: "array", isObject: "object"}[v.kind]
}

// Texts returns an object of texts: the fields of a form, read like JSON.
func Texts(fields map[string]string) Object {
	o := make(Object, len(fields))
	for name, text := range fields {
		o[name] = Value{kind: isString, text: text}
	}
	return o
}

// Number reads an amount as it stands in a shop's call, in whatever unit. It is 0 where the
// call has none, and -1 where it has what no reader takes for an amount: zero, less, or no
// number at all. unread is true if some reader may take it for one, and it is no plain whole
// number ("5e4", "1,000").
func (o Object) Number(name string) (n int64, unread bool) {
	if !o.Has(name) || o.Blank(name) {
		return 0, false
	}
	text := strings.TrimSpace(payment.ASCIIDigits(o.Text(name)))
	switch n, ok := o.Int(name); {
	case ok && n > 0:
		return n, false
	case !strings.ContainsAny(text, "123456789"), text[0] == '-':
		return -1, false
	}
	return 0, true
}
