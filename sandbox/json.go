package sandbox

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object that keeps the order of its members: answers look
// like the documents' samples, and faults can write a key twice.
type object []member

type member struct {
	key   string
	value any
}

// list is a JSON array.
type list []any

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSON(b, m.key), ':')
		b = appendJSON(b, m.value)
	}
	return append(b, '}'), nil
}

// appendJSON writes v without escaping <, > and &, as the real servers do.
func appendJSON(b []byte, v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return append(b, "null"...) // no value of ours
	}
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
}

// isJSON says whether the request declares a JSON body.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// readObject decodes a JSON object; anything else is an empty one, which the
// providers' own checks then refuse field by field.
func readObject(r *http.Request, body []byte) map[string]any {
	if !isJSON(r) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var m map[string]any
	if dec.Decode(&m) != nil {
		return nil
	}
	return m
}

// text reads a string or a number; null, objects and arrays are empty.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// number reads an integer written as a number or as a string.
func number(v any) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text(v)), 10, 64)
	return n, err == nil
}

// orNull is a text as documents write it that have null for an empty one.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// tehran is the zone of times that are written without one.
var tehran = time.FixedZone("", 3*3600+1800)

// inTehran is a time as it is written there, or null for none.
func inTehran(t time.Time, layout string) any {
	if t.IsZero() {
		return nil
	}
	return t.In(tehran).Format(layout)
}
