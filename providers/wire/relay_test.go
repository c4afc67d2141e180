package wire

import (
	"errors"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// The fields of a shop's call are read in one way or not at all: what could be read in two,
// a key above all, is malformed.
func TestCallFieldsAreReadInOneWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, body, want string }{
		{JSON, `{"key":"a"}`, "a"},
		{JSON, "\xef\xbb\xbf \n{\"key\":\"a\"}", "a"},
		{Form, `{"key":"a"}`, "a"}, // scripts send JSON as anything
		{"", `{"key":"a"}`, "a"},
		{Form, "key=a&other=b", "a"},
		{Form + "; charset=utf-8", "key=a%20b", "a b"},
		{"", "key=a", "a"},
		{JSON, `{"key":"a","key":"b"}`, ""},
		{JSON, `{"key":"a","key":"a"}`, ""},
		{JSON, `{"key":"a"}{"key":"b"}`, ""},
		{JSON, `{"key":"a"`, ""},
		{JSON, `["a"]`, ""},
		{JSON, "key=a", ""},
		{"text/plain", "key=a", ""},
		{Form, "key=a&key=b", ""},
		{Form, "key=a&key=a", ""},
		{Form, "key=a&key=b&key=c", ""},
		{Form, "key=%zz", ""},
		{Form, "key=a;key=b", ""},
	} {
		o, err := CallFields(payment.RelayCall{Type: c.kind, Body: []byte(c.body)})
		if c.want == "" {
			if !errors.Is(err, payment.ErrMalformed) {
				t.Errorf("%s %s: %v, %v", c.kind, c.body, o.Text("key"), err)
			}
			continue
		}
		if err != nil || o.Text("key") != c.want {
			t.Errorf("%s %s: %q, %v", c.kind, c.body, o.Text("key"), err)
		}
	}
}
