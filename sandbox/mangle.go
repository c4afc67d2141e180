package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// valueKinds are the faults that change single values of an answer. Each gets the value's
// dotted path.
var valueKinds = map[string]func(f Fault, path string, v any) any{
	"wrong_amount": Fault.wrongAmount, "wrong_id": Fault.wrongID, "wrong_order": Fault.wrongOrder, "persian_digits": Fault.persianDigits,
	"numbers_as_strings": Fault.numbersAsStrings, "strings_as_numbers": Fault.stringsAsNumbers,
}

// mangle spoils an answer.
func mangle(a answer, faults []Fault, c call) answer {
	for _, f := range faults {
		if f.When != whenAfter {
			continue
		}
		if change := valueKinds[f.Kind]; change != nil {
			a.body = walk(a.body, "", func(path string, v any) any { return change(f, path, v) })
		}
		switch f.Kind {
		case "drop_fields":
			a.body = drop(a.body, "", f.Fields)
		case "duplicate_keys":
			a.body = duplicate(a.body)
		case "big":
			if o, ok := a.body.(object); ok {
				a.body = append(object{{"padding", strings.Repeat("x", 1<<20)}}, o...)
			}
		case "empty":
			a.body, a.raw, a.kind = nil, []byte{}, "application/json"
		case "truncate":
			b := appendJSON(nil, a.body)
			a.raw, a.kind = b[:len(b)/2], "application/json"
		case "cut":
			a.cut = true
		}
	}
	if a.raw != nil && a.status == http.StatusNoContent {
		a.status = http.StatusOK // 204 can't carry what the fault wants to send
	}
	return a
}

// walk rebuilds a JSON value with every scalar passed through change, which
// gets the dotted path.
func walk(v any, path string, change func(path string, v any) any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for i, m := range v {
			out[i] = member{m.key, walk(m.value, join(path, m.key), change)}
		}
		return out
	case list:
		out := make(list, len(v))
		for i, e := range v {
			out[i] = walk(e, path, change)
		}
		return out
	case nil:
		return nil
	}
	return change(path, v)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func last(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}

// named says whether a member was asked for, by its name or its whole path.
func named(fields []string, path string) bool {
	return slices.Contains(fields, path) || slices.Contains(fields, last(path))
}

// pick returns the fault's own fields, or else the usual ones.
func (f Fault) pick(path string, usual ...string) bool {
	if len(f.Fields) > 0 {
		return named(f.Fields, path)
	}
	return named(usual, path)
}

func (f Fault) wrongAmount(path string, v any) any {
	if strings.HasPrefix(path, "wage") || strings.HasPrefix(path, "settlement") || !f.pick(path, "amount") {
		return v
	}
	wrong := func(n int64) int64 {
		if f.Factor != 0 {
			n = int64(float64(n) * f.Factor)
		}
		return n + f.Delta
	}
	switch v := v.(type) {
	case int64:
		return wrong(v)
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return strconv.FormatInt(wrong(n), 10)
		}
	}
	return v
}

func (f Fault) wrongID(path string, v any) any {
	s, ok := v.(string)
	if !ok || !f.pick(path, "id", "authority", "invoice_key") || strings.HasPrefix(path, "account") {
		return v
	}
	if f.Value != "" {
		return f.Value
	}
	if isUUID(s) {
		return randomUUID()
	}
	return randomHex(max(len(s)/2, 1))
}

func (f Fault) wrongOrder(path string, v any) any {
	s, ok := v.(string)
	if !ok || !f.pick(path, "order_id") {
		return v
	}
	return cmp.Or(f.Value, s+"9")
}

func (f Fault) numbersAsStrings(path string, v any) any {
	if len(f.Fields) > 0 && !named(f.Fields, path) {
		return v
	}
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return v
}

// stringsAsNumbers leaves ids and orders alone unless they are named: all the
// documents call those strings.
func (f Fault) stringsAsNumbers(path string, v any) any {
	s, ok := v.(string)
	if !ok || (len(f.Fields) > 0 && !named(f.Fields, path)) {
		return v
	}
	if len(f.Fields) == 0 && named([]string{"id", "order_id", "authority", "invoice_key", "phone"}, path) {
		return v
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || len(s) > 15 || strconv.FormatInt(n, 10) != s {
		return v
	}
	return n
}

var persian = strings.NewReplacer("0", "۰", "1", "۱", "2", "۲", "3", "۳", "4", "۴",
	"5", "۵", "6", "۶", "7", "۷", "8", "۸", "9", "۹")

func (f Fault) persianDigits(path string, v any) any {
	if !f.pick(path, "status", "code", "errorCode", "error_code") {
		return v
	}
	switch v := v.(type) {
	case int:
		return persian.Replace(strconv.Itoa(v))
	case int64:
		return persian.Replace(strconv.FormatInt(v, 10))
	case string:
		return persian.Replace(v)
	}
	return v
}

func drop(v any, path string, fields []string) any {
	switch v := v.(type) {
	case object:
		var out = object{}
		for _, m := range v {
			if at := join(path, m.key); !named(fields, at) {
				out = append(out, member{m.key, drop(m.value, at, fields)})
			}
		}
		return out
	case list:
		out := make(list, len(v))
		for i, e := range v {
			out[i] = drop(e, path, fields)
		}
		return out
	}
	return v
}

// duplicate writes every scalar twice, first with a false value: a reader that
// keeps the first and one that keeps the last then disagree.
func duplicate(v any) any {
	o, ok := v.(object)
	if !ok {
		return v
	}
	var lies, truth object
	for _, m := range o {
		truth = append(truth, member{m.key, duplicate(m.value)})
		switch m.value.(type) {
		case string:
			lies = append(lies, member{m.key, "0"})
		case int, int64:
			lies = append(lies, member{m.key, 0})
		case bool:
			lies = append(lies, member{m.key, m.value != true})
		}
	}
	return append(lies, truth...)
}
