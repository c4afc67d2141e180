package strictjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What two readers could read in two ways is refused, and nothing else.
func TestUnambiguous(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`: "", `{"order":"A","amount":50000,"list":[{"id":"x","amount":1},{"id":"x","amount":1}],"b":{"id":"x"}}`: "",
		`{"a":"Order","b":"order","c":"b"}`:        "", // values are nobody's names
		`{"a":null,"b":true,"c":["X","X"],"d":[]}`: "",
		`{"amount":9007199254740990}`:              "",
		`{"amount":9007199254740991}`:              "",
		`{"amount":9007199254740992}`:              "at most 9007199254740991",
		`{"amount":9007199254740993}`:              "at most 9007199254740991",
		`{"amount":-9007199254740991}`:             "",
		`{"amount":-9007199254740992}`:             "at most",
		`{"amount":92233720368547758080}`:          "at most",
		`{"amount":50000.0}`:                       "without a point",
		`{"amount":5e4}`:                           "without a point",
		`{"amount":-0}`:                            "whole number",
		`{"amount":0}`:                             "",
		`{"list":[1,2.5]}`:                         "without a point",
		`{"amount":1,"amount":2}`:                  `"amount" once`,
		`{"amount":1,"amount":1}`:                  `"amount" once`,
		`{"amount":1,"\u0061mount":2}`:             `"amount" once`,
		`{"amount":1,"Amount":2}`:                  `"Amount" in lower case`,
		`{"ORDER":"A"}`:                            `"ORDER" in lower case`,
		`{"ſite":"A"}`:                             "in lower case",
		`{"\u212aind":"A"}`:                        "in lower case",
		`{"list":[{"id":"x","Id":"y"}]}`:           `"Id" in lower case`,
		`{"list":[{"id":"x"},{"id":"x","id":""}]}`: `"id" once`,
		"{\"order\":\"\xff\"}":                     "UTF-8",
	} {
		err := Unambiguous([]byte(body))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

// FuzzUnambiguous: of what is taken, a reader that ignores case and keeps numbers as floats
// has read the same as ours.
func FuzzUnambiguous(f *testing.F) {
	for _, s := range []string{`{"amount":50000,"order":"A","list":[{"fee":1}]}`, `{"amount":9007199254740993}`, `{"amount":1,"Amount":2}`, `{"a":{"b":[1,2,{"c":"C"}]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !json.Valid(b) || Unambiguous(b) != nil {
			return
		}
		exact, float := any(nil), any(nil)
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if d.Decode(&exact) != nil || json.Unmarshal(b, &float) != nil {
			t.Fatalf("%q is taken and no JSON", b)
		}
		alike(t, b, exact, float)
	})
}

// alike compares what was read exactly with what was read as floats.
func alike(t *testing.T, b []byte, exact, float any) {
	t.Helper()
	switch v := exact.(type) {
	case map[string]any:
		other, _ := float.(map[string]any)
		folded := make(map[string]bool)
		for name, inner := range v {
			if low := strings.ToLower(strings.ToUpper(name)); folded[low] || low != name {
				t.Fatalf("%q has %q, which may be read as another name", b, name)
			} else {
				folded[low] = true
			}
			alike(t, b, inner, other[name])
		}
	case []any:
		other, _ := float.([]any)
		for i, inner := range v {
			alike(t, b, inner, other[i])
		}
	case json.Number:
		n, err := v.Int64()
		if f, ok := float.(float64); err != nil || !ok || int64(f) != n {
			t.Fatalf("%q: %s is read as %v", b, v, float)
		}
	}
}
