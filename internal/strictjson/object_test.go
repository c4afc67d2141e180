package strictjson

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

func TestParse(t *testing.T) {
	for _, good := range []string{`{}`, " {\"a\":1}\r\n", "\xef\xbb\xbf{}", `{"a":{"b":[1,{"c":null}]}}`, `{"ٱ":1}`} {
		if o, err := Parse([]byte(good)); err != nil || o == nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", " ", "null", "[]", "1", `"x"`, "<html>", "{", `{"a"`, `{"a":}`, `{"a":1,}`, `{"a":1}x`, `{} {}`, "{}\x00",
		`{"a":1,"a":1}`, `{"a":1,"A":2}`, `{"x":{"ab":1,"aB":2}}`, `{"x":[{"k":1,"\u212a":2}]}`, `{"s":1,"ſ":2}`,
		"{\"a\":\"\xff\"}", `{"a":01}`, `{"a":+1}`, `{"a":NaN}`, `{'a':1}`, "\xff\xfe{\x00}\x00", "\xef\xbb\xbf\xef\xbb\xbf{}",
		`{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`,
	} {
		if o, err := Parse([]byte(bad)); !errors.Is(err, ErrUnreadable) || o != nil {
			t.Errorf("%.40q: %v, %v", bad, o, err)
		} else if len(bad) > 8 && strings.Contains(err.Error(), bad) {
			t.Errorf("%v repeats the body", err)
		}
	}
}

func object(t testing.TB, s string) Object {
	t.Helper()
	o, err := Parse([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAmounts(t *testing.T) {
	for in, want := range map[string]payment.Rials{
		`1000`: 1000, `"1000"`: 1000, `"۱۰۰۰"`: 1000, `"١٠٠٠"`: 1000, `null`: 0, `""`: 0, `1000.0`: 1000, `"1000.00"`: 1000, `"۱۰۰۰.۰"`: 1000, `999999999999999999`: 999999999999999999,
	} {
		if n, err := object(t, `{"a":`+in+`}`).Amount("a"); err != nil || n != want {
			t.Errorf("%s: %d, %v", in, n, err)
		}
	}
	if n, err := (Object)(nil).Amount("a"); n != 0 || err != nil {
		t.Errorf("absent: %d, %v", n, err)
	}
	for _, in := range []string{`1e3`, `100.5`, `100.000`, `"100."`, `".0"`, `"-1.0"`, `"100.0.0"`, `"010.0"`, `"+1"`, `"0x10"`, `"1,000"`, `"1 000"`, `" 1"`, `"01"`, `0`, `"0"`, `-1`, `true`, `[]`, `[1]`, `{}`, `1000000000000000000`, `"1_0"`, `"٬"`, `"½"`, `"１"`} {
		if n, err := object(t, `{"a":`+in+`}`).Amount("a"); !errors.Is(err, ErrForm) || n != 0 {
			t.Errorf("%s: %d, %v", in, n, err)
		}
	}
}

func TestValues(t *testing.T) {
	o := object(t, `{"i":"-9","p":"۱۰۱","z":"007","f":1.5,"w":100.0,"w2":"100.00","w3":-1.0,"b":true,"s":"true","l":[],"l1":[1,{"x":1}],"o":{"x":"y"},"n":null,"t":"text"}`)
	for name, want := range map[string]int64{"i": -9, "p": 101, "w": 100, "w2": 100, "w3": -1} {
		if n, ok := o.Int(name); !ok || n != want {
			t.Errorf("%s: %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"z", "f", "b", "l", "o", "n", "t", "absent"} {
		if n, ok := o.Int(name); ok {
			t.Errorf("%s: %d", name, n)
		}
	}
	if !o.True("b") || o.True("s") || o.True("i") || o.True("absent") {
		t.Error("True")
	}
	if o.Has("n") || o.Has("absent") || !o.Has("l") || o.Text("o") != "" || o.Text("b") != "" || o.Text("t") != "text" {
		t.Error("Has, Text")
	}
	for name, want := range map[string]bool{"o": true, "l": true, "n": true, "absent": true, "l1": false, "t": false, "b": false} {
		if _, ok := o.Object(name); ok != want {
			t.Errorf("Object(%s): %v", name, ok)
		}
	}
	if l := o.List("l1"); len(l) != 1 || l[0].Text("x") != "1" || o.List("t") != nil {
		t.Errorf("List: %v", l)
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)
	for in, zone := range map[string]*time.Location{
		`1795249800`: nil, `"1795249800"`: nil, `"۱۷۹۵۲۴۹۸۰۰"`: nil, `"2026-11-21T08:30:00Z"`: nil, `"2026-11-21T12:00:00+03:30"`: nil,
		`"2026-11-21 12:00:00"`: Tehran, `"2026-11-21T12:00:00.000000"`: Tehran, `"2026-11-21T08:30:00"`: time.UTC,
	} {
		if got, ok := object(t, `{"d":`+in+`}`).Time("d", zone); !ok || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{`0`, `""`, `null`, `"1404-08-30 12:00:00"`, `"1404/08/30"`, `1795249800000`, `-1`, `"soon"`, `1795249800.5`, `[]`} {
		if got, ok := object(t, `{"d":`+in+`}`).Time("d", Tehran); ok {
			t.Errorf("%s: %v", in, got)
		}
	}
	if _, ok := object(t, `{"d":"2026-11-21 12:00:00"}`).Time("d", nil); ok {
		t.Error("a zone was made up")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":["x",null,true]}}`))
	f.Add([]byte(`{"a":1,"A":2}`))
	f.Add([]byte("\xef\xbb\xbf{\"a\":\"۱۰\"}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Parse(b)
		if (err == nil) != (o != nil) {
			t.Fatalf("%v, %v", o, err)
		}
		for name := range o {
			if n, err := o.Amount(name); n < 0 || (err != nil && n != 0) {
				t.Errorf("%d, %v", n, err)
			}
			if at, ok := o.Time(name, Tehran); ok && (at.Year() < firstYear || at.Year() >= lastYear) {
				t.Errorf("%v", at)
			}
		}
	})
}

// Nesting is read up to its bound, of lists and of objects.
func TestNestingIsBounded(t *testing.T) {
	for _, n := range []int{1, maxDepth - 1, maxDepth, maxDepth + 1, 100 * maxDepth} {
		for opens, closes := range map[string]string{"[": "]", `{"a":`: "}"} {
			inner := "1"
			if opens == "[" {
				inner = ""
			}
			_, err := Parse([]byte(`{"a":` + strings.Repeat(opens, n) + inner + strings.Repeat(closes, n) + `}`))
			// What stands in the innermost object is one deeper.
			most := maxDepth - len(inner)
			if (err == nil) != (n <= most) {
				t.Errorf("%d times %s: %v", n, opens, err)
			}
		}
	}
}

// An amount of a shop's call is read, is none that a payment has, or may be one to another
// reader.
func TestNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		n      int64
		unread bool
	}{
		``: {}, `null`: {}, `""`: {},
		`1`: {1, false}, `50000`: {50000, false}, `"50000"`: {50000, false}, `"۵۰۰۰۰"`: {50000, false}, `50000.0`: {50000, false}, `"50000.00"`: {50000, false},
		`0`: {-1, false}, `-0`: {-1, false}, `"0"`: {-1, false}, `0.0`: {-1, false}, `-1`: {-1, false}, `"-1"`: {-1, false}, `" -1"`: {-1, false}, `"-۱"`: {-1, false}, `-50000`: {-1, false}, `-0.5`: {-1, false},
		`"abc"`: {-1, false}, `true`: {-1, false}, `[]`: {-1, false}, `[50000]`: {-1, false}, `{}`: {-1, false}, `" "`: {-1, false}, `"-"`: {-1, false},
		`5e4`: {0, true}, `"1,000"`: {0, true}, `100.5`: {0, true}, `" 1"`: {0, true}, `"+1"`: {0, true}, `"01"`: {0, true}, `1000000000000000000`: {0, true},
	} {
		o := Object{}
		if text != "" {
			var err error
			if o, err = Parse([]byte(`{"amount":` + text + `}`)); err != nil {
				t.Fatal(text, err)
			}
		}
		if n, unread := o.Number("amount"); n != want.n || unread != want.unread {
			t.Errorf("%s: %d, %v", text, n, unread)
		}
	}
}
