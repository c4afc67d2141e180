package strictjson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// plain is a value as Go's own reader gives it.
func plain(v Value) any {
	switch v.kind {
	case isBool:
		return v.text == "true"
	case isNumber:
		return json.Number(v.text)
	case isString:
		return v.text
	case isList:
		list := []any{}
		for _, e := range v.list {
			list = append(list, plain(e))
		}
		return list
	case isObject:
		m := map[string]any{}
		for name, e := range v.object {
			m[name] = plain(e)
		}
		return m
	}
	return nil
}

// FuzzObjectAgrees: what is read as an object is one to Go's own reader too,
// with the same members, each of them there once whatever its case; and what is
// tolerated (numbers as texts, digits of other scripts) is still one number.
func FuzzObjectAgrees(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":{"c":["x",null,true]},"amount":"۱۰۰۰"}`, `{"a":1,"A":2}`, `{"status":"100","date":1546288200,"track_id":10012}`, `{"K":1,"\u212a":2}`,
		`{"a":1e3,"b":100.0,"c":"+1","d":"0x10","e":"1,000","f":-0}`, `{"a":1}{"b":2}`, `{"s":1,"ſ":2}`, "\xef\xbb\xbf{}", `{"a":[],"b":{},"c":""}`,
		`{"a\"\\":"\u06f1\ud800\n","b":[[],{},-1.5E+3,"",null,false , true],"c":{"d":{"e":"}]\""}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Parse(b)
		if err != nil {
			return
		}
		var m map[string]any
		d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
		d.UseNumber()
		if err := d.Decode(&m); err != nil || len(m) != len(o) {
			t.Fatalf("%q: %v, %d members, we read %d", b, err, len(m), len(o))
		}
		if !reflect.DeepEqual(plain(Value{kind: isObject, object: o}), any(m)) {
			t.Fatalf("%q: %v, we read %v", b, m, o)
		}
		for name, v := range m {
			for other := range m {
				if other != name && strings.EqualFold(other, name) {
					t.Fatalf("%q has %q and %q", b, name, other)
				}
			}
			text := ""
			switch v := v.(type) {
			case string:
				text = v
			case json.Number:
				text = v.String()
			}
			if o.Text(name) != text || o.Has(name) != (v != nil) || o.True(name) != (v == true) {
				t.Fatalf("%q: %q is %q to us", b, name, o.Text(name))
			}
			digits := payment.ASCIIDigits(text)
			for _, zeros := range []string{".00", ".0"} {
				if n, ok := strings.CutSuffix(digits, zeros); ok {
					digits = n
					break
				}
			}
			if n, ok := o.Int(name); ok && strconv.FormatInt(n, 10) != digits {
				t.Fatalf("%q: %q is read as %d", b, name, n)
			}
			n, err := o.Amount(name)
			switch {
			case err == nil && n != 0 && n.String() != digits, n < 0, err != nil && n != 0:
				t.Fatalf("%q: %q is %d rials, %v", b, name, n, err)
			case err == nil && n == 0 && v != nil && v != "":
				t.Fatalf("%q: %q is no amount, and no error", b, name)
			}
		}
	})
}
