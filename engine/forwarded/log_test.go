package forwarded_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

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
			}, func() bool { return false })
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

// What can't be read in keeps later calls about its own payment waiting, and no others; all
// that was read in is gone from the file, and all that was not is still there, in order.
func TestOneThatCannotBeReadIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "forwarded")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		l := forwarded.At(filepath.Join(dir, "calls.jsonl"))
		ids := rapid.SampledFrom([]string{"K1", "K2", "K3", "K4", ""})
		var open []string // calls that are still to be read, in order, each with its payment
		of := make(map[string]string)
		for round := range 4 {
			for n := range rapid.IntRange(0, 6).Draw(t, "calls") {
				call := fmt.Sprintf("%d.%d", round, n)
				id := ids.Draw(t, "id")
				of[call], open = id, append(open, call)
				for range rapid.IntRange(1, 3).Draw(t, "marks") {
					if err := l.Append(forwarded.Mark{Call: call, Provider: "p", Kind: payment.RelayVerify, ID: id}); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range rapid.IntRange(1, 3).Draw(t, "readings") {
				bad := map[string]bool{ids.Draw(t, "bad"): true, ids.Draw(t, "bad"): true}
				away := rapid.Bool().Draw(t, "the ledger is away after the first error")
				waits, stopped := make(map[string]bool), false
				_, err := l.Read(func(marks []forwarded.Mark) error {
					call := marks[0].Call
					if stopped || waits[of[call]] || !slices.Contains(open, call) {
						t.Fatalf("%s of %q is given", call, of[call])
					}
					if bad[of[call]] {
						waits[of[call]], stopped = true, away
						return errors.New("not now")
					}
					open = slices.DeleteFunc(open, func(o string) bool { return o == call })
					return nil
				}, func() bool { return away })
				for _, call := range open {
					if !away && !waits[of[call]] {
						t.Fatalf("%s of %q is not given", call, of[call])
					}
				}
				if (err != nil) != (len(waits) > 0) {
					t.Fatalf("%v, of %v", err, waits)
				}
				for _, id := range []string{"K1", "K2", "K3", "K4"} {
					if want := slices.ContainsFunc(open, func(o string) bool { return of[o] == id }); l.Marked(id) != want {
						t.Fatalf("%s is still to be read in: %t, want %t", id, l.Marked(id), want)
					}
				}
			}
		}
		var got []string
		if _, err := l.Read(func(marks []forwarded.Mark) error { got = append(got, marks[0].Call); return nil }, func() bool { return false }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, open) || l.Any() {
			t.Fatalf("%v is left, want %v", got, open)
		}
	})
}

// A call that passes while the file is put aside isn't read in from it, also where it has ended
// before it is looked at: its last marks are not in that file.
func TestACallThatEndsWhileOthersAreReadIn(t *testing.T) {
	l := forwarded.At(filepath.Join(t.TempDir(), "calls.jsonl"))
	mark := func(call, id string, ended bool) {
		t.Helper()
		if err := l.Append(forwarded.Mark{Call: call, Provider: "p", Kind: payment.RelayVerify, ID: id, Ended: ended}); err != nil {
			t.Fatal(err)
		}
	}
	mark("1", "K1", true)
	end := l.Pass("2")
	mark("2", "K2", false)
	var given []string
	read := func(marks []forwarded.Mark) error {
		last := marks[len(marks)-1]
		given = append(given, fmt.Sprint(last.Call, last.Ended))
		if last.Call == "1" {
			mark("2", "K2", true)
			end()
		}
		return nil
	}
	for range 2 {
		if _, err := l.Read(read, func() bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"1true", "2true"}; !slices.Equal(given, want) || l.Any() {
		t.Errorf("given are %v, want %v", given, want)
	}
}
