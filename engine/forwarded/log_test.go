package forwarded_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// However long a callback is, and however JSON writes it, its mark is read in; a line that
// no call can have written is set aside, and keeps no other from being read.
func TestLongLines(t *testing.T) {
	const call = 64 << 10 // a call's body
	for name, callback := range map[string]string{
		"short": "https://shop.test/cb", "as long as a call": strings.Repeat("a", call), "one byte more": strings.Repeat("a", call+1),
		"written six times as long": strings.Repeat("<", call), "longer than any mark": strings.Repeat("<", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "calls.jsonl")
			l := forwarded.At(path)
			mark := func(call, callback string) forwarded.Mark {
				return forwarded.Mark{Call: call, Provider: "p", Callback: callback, Return: &payment.Return{URI: callback}}
			}
			for _, m := range []forwarded.Mark{mark("1", "/"), mark("2", callback), mark("3", "/")} {
				if err := l.Append(m); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			damaged, err := l.Read(func(marks []forwarded.Mark) error {
				got = append(got, marks[0].Call)
				if marks[0].Call == "2" && marks[0].Callback != callback {
					return errors.New("the callback is another")
				}
				return nil
			})
			want, lost := "1 2 3", 0
			if len(callback) >= 1<<20 {
				want, lost = "1 3", 1
			}
			if err != nil || strings.Join(got, " ") != want || damaged != lost {
				t.Errorf("%q, %d damaged, %v", got, damaged, err)
			}
			if _, err := os.Stat(path + ".damaged"); (err == nil) != (lost > 0) {
				t.Errorf("what could not be read: %v", err)
			}
			if l.Any() {
				t.Error("it is still to be read")
			}
		})
	}
}
