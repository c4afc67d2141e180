package lookup

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// FuzzRead: a price, an id and a "paid" are taken only where the shop's answer
// says each of them once, in a form that reads in one way.
func FuzzRead(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"amount": 50000, "id": "d2e353189823079e1e4181772cff5292", "paid": false}`))
	f.Add(200, "application/json; charset=utf-8", []byte(`{"amount":"50000","paid":true}`))
	f.Add(404, "application/problem+json", []byte(`{}`))
	f.Add(200, "application/json", []byte(`{"amount":50000,"Amount":1,"AMOUNT":2}`))
	f.Add(200, "application/json", []byte(`{"amount":50000,"paid":false,"paid":true,"id":"a\/b"}`))
	f.Add(200, "application/json", []byte(`{"amount":5e4,"id":["x"],"paid":"no"}`))
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		c := &Client{needID: len(body)%2 == 0}
		a, err := c.read(&http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}}, body)
		if err != nil {
			if a != (Answer{}) || (!errors.Is(err, ErrUnknown) && !errors.Is(err, ErrUnanswered)) {
				t.Fatalf("%+v, %v", a, err)
			}
			if errors.Is(err, ErrUnknown) && (status != 404 || !json.Valid(body)) {
				t.Fatalf("%d %q is taken for a no", status, body)
			}
			return
		}
		members := make(map[string][]any)
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.UseNumber()
		if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
			t.Fatalf("%q is no object", body)
		}
		for d.More() {
			name, err := d.Token()
			var value any
			if err != nil || d.Decode(&value) != nil {
				t.Fatalf("%q is half read", body)
			}
			s, _ := name.(string)
			folded := strings.ToLower(strings.ToUpper(s))
			members[folded] = append(members[folded], value)
		}
		text := func(name string) string {
			if len(members[name]) > 1 {
				t.Fatalf("%q says %s twice", body, name)
			}
			for _, v := range members[name] {
				switch v := v.(type) {
				case string:
					return v
				case json.Number:
					return v.String()
				}
			}
			return ""
		}
		if status != 200 || a.Amount <= 0 || a.Amount.String() != text("amount") || a.ID != text("id") || (c.needID && a.ID == "") {
			t.Fatalf("%q: %+v", body, a)
		}
		if len(members["paid"]) > 1 {
			t.Fatalf("%q says paid twice", body)
		}
		var paid *bool
		for _, v := range members["paid"] {
			if b, ok := v.(bool); ok {
				paid = &b
			} else if v != nil {
				t.Fatalf("%q is taken", body)
			}
		}
		if (paid == nil) != (a.Paid == nil) || (paid != nil && *paid != *a.Paid) {
			t.Fatalf("%q: paid is %v", body, a.Paid)
		}
	})
}
