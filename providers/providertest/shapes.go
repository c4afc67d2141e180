package providertest

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var decimal = regexp.MustCompile(`^[1-9][0-9]{0,14}$`)

// tree decodes a body so that its numbers keep their text.
func tree(t testing.TB, body string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatalf("the suite's own body: %v", err)
	}
	return m
}

// change copies a tree with every leaf passed through f, which gets its dotted
// name.
func change(v any, name string, f func(name string, v any) any) any {
	if m, ok := v.(map[string]any); ok {
		out := map[string]any{}
		for k, e := range m {
			out[k] = change(e, strings.TrimPrefix(name+"."+k, "."), f)
		}
		return out
	}
	return f(name, v)
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (s Suite) verify(t testing.TB, body string) result {
	base, _ := server(t, reply(200, "application/json", body))
	return judge(s.New(t, base, patience).Verify(t.Context(), s.Query))
}

// shapes changes the form of a success. Where it means the same it must be
// read the same; where it can be read in two ways it must not be read at all.
func (s Suite) shapes(t *testing.T) {
	want := s.verify(t, s.Verified)
	good := tree(t, s.Verified)
	same := map[string]any{
		"numbers as strings": change(good, "", func(_ string, v any) any {
			if n, ok := v.(json.Number); ok {
				return n.String()
			}
			return v
		}),
		"strings as numbers": change(good, "", func(_ string, v any) any {
			if text, ok := v.(string); ok && decimal.MatchString(text) {
				return json.Number(text)
			}
			return v
		}),
		"Persian digits": change(good, "", func(name string, v any) any { return s.inDigits(name, v, '۰') }),
		"Arabic digits":  change(good, "", func(name string, v any) any { return s.inDigits(name, v, '٠') }),
	}
	for name, v := range same {
		t.Run(name, func(t *testing.T) {
			got := s.verify(t, encode(t, v))
			if !got.accepted || !reflect.DeepEqual(got.answer.Receipt, want.answer.Receipt) {
				t.Errorf("read as %+v, receipt %+v, want %+v", got.answer, got.answer.Receipt, want.answer.Receipt)
			}
		})
	}
	t.Run("ambiguous", func(t *testing.T) {
		for _, body := range s.ambiguous(good) {
			s.unknown(t, s.verify(t, body))
		}
	})
	t.Run("members missing or of another kind", func(t *testing.T) {
		s.members(t, good)
	})
	t.Run("cut off", func(t *testing.T) {
		body := strings.TrimSpace(s.Verified)
		for _, n := range []int{0, 1, len(body) / 3, len(body) / 2, len(body) - 2, len(body) - 1} {
			s.unknown(t, s.verify(t, body[:n]))
		}
	})
}

func (s Suite) inDigits(name string, v any, zero rune) any {
	for _, n := range s.Numbers {
		if n != name {
			continue
		}
		text, ok := v.(string)
		if num, isNumber := v.(json.Number); isNumber {
			text, ok = num.String(), true
		}
		if ok {
			return strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return zero + r - '0'
				}
				return r
			}, text)
		}
	}
	return v
}

func (s Suite) ambiguous(good map[string]any) []string {
	body := strings.TrimSpace(s.Verified)
	bodies := []string{
		body + body, body + "x", body + " null", "[" + body + "]", "null", `"` + marker + `"`, "1",
		body[:len(body)-1] + `,"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}",
		body[:len(body)-1] + ",\"x\":\"\xff\"}",
	}
	for name := range good {
		for _, again := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			bodies = append(bodies, body[:len(body)-1]+`,"`+again+`":1}`)
		}
	}
	return bodies
}

// members takes out, nulls and replaces each member in turn. Whatever the
// provider makes of it: not a "no", and no panic.
func (s Suite) members(t *testing.T, good map[string]any) {
	for name := range good {
		for _, v := range []any{nil, []any{}, []any{1}, map[string]any{}, "", marker, true, -1, json.Number("1e3"), json.Number("100.5"), json.Number("100.000"), "0x10", "+1", strings.Repeat("9", 40)} {
			m := maps.Clone(good)
			m[name] = v
			r := s.verify(t, encode(t, m))
			if r.refused {
				t.Errorf("%s = %.20v: taken for a refusal: %+v", name, v, r.answer)
			}
			if r.accepted && r.answer.Receipt == nil {
				t.Errorf("%s = %.20v: a success without a receipt", name, v)
			}
			if r.accepted && r.answer.Receipt.Amount < 0 {
				t.Errorf("%s = %.20v: amount %d", name, v, r.answer.Receipt.Amount)
			}
			if s.amountIsOf(r, v) {
				t.Errorf("%s = %.20v was read as an amount", name, v)
			}
			s.noMarker(t, name, r)
		}
		m := maps.Clone(good)
		delete(m, name)
		if r := s.verify(t, encode(t, m)); r.refused {
			t.Errorf("without %s: taken for a refusal: %+v", name, r.answer)
		}
	}
}

// amountIsOf reports whether the receipt's amount was made from an odd form:
// it then differs from the expected one.
func (s Suite) amountIsOf(r result, v any) bool {
	_, odd := v.(json.Number)
	return odd && r.accepted && r.answer.Receipt.Amount != 0 && r.answer.Receipt.Amount != s.Query.Amount
}

func (s Suite) noMarker(t *testing.T, name string, r result) {
	t.Helper()
	if r.err != nil && strings.Contains(r.err.Error(), marker) {
		t.Errorf("%s: the error repeats the answer: %v", name, r.err)
	}
}
