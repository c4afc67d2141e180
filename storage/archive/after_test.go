package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/storage"
)

// small is a whole archive of n secrets.
func small(t *testing.T, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	enc, all := json.NewEncoder(&out), newAdder()
	first := head{Archive: format, ID: "x", Seq: 1}
	lines := []any{first}
	for i := range n {
		it := storage.Item{Kind: storage.KindSecret, Name: []byte{byte(i + 1)}, Value: []byte("value")}
		all.add(it)
		lines = append(lines, it)
	}
	sum := all.summary()
	for _, line := range append(lines, tail{&sum, first.hash()}) {
		if err := enc.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// Nothing may follow an archive's end: not one byte, not another archive.
func TestNothingFollowsTheEnd(t *testing.T) {
	for _, n := range []int{0, 1, 3} {
		whole := small(t, n)
		if _, err := Look(bytes.NewReader(whole)); err != nil {
			t.Fatalf("a whole archive of %d: %v", n, err)
		}
		for what, more := range map[string][]byte{
			"a line's end": []byte("\n"), "a byte": {0}, "an item": []byte(`{"kind":"secret","name":"eA==","value":"eA=="}` + "\n"),
			"the same archive": whole, "another archive": small(t, n+1), "a megabyte and more": bytes.Repeat([]byte("x"), 1<<20+1),
		} {
			_, err := Look(bytes.NewReader(append(bytes.Clone(whole), more...)))
			if !errors.Is(err, ErrShape) || !strings.Contains(err.Error(), "follows its end") {
				t.Errorf("an archive of %d and then %s: %v", n, what, err)
			}
		}
		// Cut anywhere, it has no end.
		for cut := range whole {
			if _, err := Look(bytes.NewReader(whole[:cut])); err == nil {
				t.Errorf("an archive of %d cut at byte %d is taken", n, cut)
			}
		}
	}
}
