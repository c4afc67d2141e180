package admin

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A body of the admin API is one JSON object and nothing after it. (Its size: TestBodyBounds.)
func TestBodiesAreOneObject(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"": "", "{}": "", " {} \n": "", "{}{}": "goes on", "{}x": "goes on", `{} []`: "goes on", "{": "not the JSON object", `{"no":1}`: "not the JSON object", "[]": "not the JSON object",
		`{"No":1}`: "not the JSON object",
	} {
		for _, read := range []func(c *call) error{
			func(c *call) error { return c.body(new(Resolve)) },
			func(c *call) error { return c.body(new(Reconcile)) },
		} {
			err := read(&call{w: httptest.NewRecorder(), r: httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))})
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", body, err, want)
			}
		}
	}
}

// Bodies that two readers could read in two ways are refused: names are ours exactly and
// once, numbers exact to every reader.
func TestBodiesAreReadInOneWay(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"id":"x","order":"1","amount":50000}`:               "",
		`{"id":"x","order":"1","amount":9007199254740991}`:    "",
		`{"id":"x","order":"1","amount":9007199254740992}`:    "two ways",
		`{"id":"x","order":"1","amount":9223372036854775807}`: "two ways",
		`{"id":"x","order":"1","Amount":50000}`:               "two ways",
		`{"id":"x","ORDER":"1","amount":50000}`:               "two ways",
		`{"id":"x","order":"1","amount":1,"amount":50000}`:    "two ways",
		`{"id":"x","order":"1","order":"1","amount":50000}`:   "two ways",
		`{"id":"x","order":"1","Order":"2","amount":50000}`:   "two ways",
		"{\"id\":\"x\",\"order\":\"\xff\",\"amount\":50000}":  "two ways",
		`{"id":"x","order":"1","amount":50000.0}`:             "not the JSON object",
		`{"id":"x","order":"1","amount":"50000"}`:             "not the JSON object",
	} {
		err := (&call{w: httptest.NewRecorder(), r: httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))}).body(new(Intent))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", body, err, want)
		}
	}
}

// A file with a secret is read whole or refused.
func TestSecretsOfFilesAreBounded(t *testing.T) {
	t.Parallel()
	read := func(n int) (*cli, error) {
		c := &cli{in: bytes.NewReader(bytes.Repeat([]byte("k"), n))}
		_, err := c.keysOfFile("-", "")
		return c, err
	}
	for _, n := range []int{32, 4096, maxSecret - 1, maxSecret} {
		if _, err := read(n); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	var bad *failure
	for _, n := range []int{maxSecret + 1, 3 * maxSecret} {
		if _, err := read(n); !errors.As(err, &bad) || !strings.Contains(err.Error(), "more than 1024 KiB") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// A table is read whole or refused.
func TestTablesAreBounded(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1 << 10, 1 << 20} {
		for _, over := range []int{1 - most, -1, 0, 1, 2 * most} {
			text, err := readTable(strings.NewReader(strings.Repeat("x", most+over)), most)
			if over <= 0 && (err != nil || len(text) != most+over) || over > 0 && (err == nil || !strings.Contains(err.Error(), "compare fewer days")) {
				t.Errorf("%+d bytes of %d: %d, %v", over, most, len(text), err)
			}
		}
	}
}
