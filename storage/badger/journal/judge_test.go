package journal

import (
	"strings"
	"testing"
)

func TestDoubt(t *testing.T) {
	is := func(first, last uint64) Found {
		return Found{Exists: true, ID: "a", First: first, Last: last, Frames: int(last - first)}
	}
	damaged := is(5, 9)
	damaged.Damage = ErrDamaged
	for _, c := range []struct {
		name   string
		found  Found
		mark   string
		marked bool
		height uint64
		want   string
	}{
		{"a new store, or one of before journals", Found{}, "", false, 7, ""},
		{"as it was closed", is(9, 9), "a", false, 9, ""},
		{"after a crash", is(5, 9), "a", false, 9, ""},
		{"a commit that nobody was told of, in the journal alone", is(5, 9), "a", false, 8, ""},
		{"the same, in the store alone", is(5, 9), "a", false, 10, ""},
		{"the store lost its tail", is(5, 9), "a", false, 6, ""},
		{"the store lost the journal's name as well", is(5, 9), "", true, 6, ""},
		{"a first opening that was cut short", is(7, 7), "", false, 7, ""},
		{"the journal is gone", Found{}, "a", false, 9, "missing"},
		{"the journal lost its tail", is(5, 9), "a", false, 11, "ends before"},
		{"the journal is damaged", damaged, "a", false, 9, "damaged"},
		{"another ledger's", is(5, 9), "b", false, 9, "another ledger"},
		{"another ledger's, beside one of before journals", is(5, 9), "", false, 9, "another ledger"},
		{"the store lost tables", is(5, 9), "a", false, 4, "holds less"},
	} {
		var mark []byte
		if c.mark != "" {
			mark = []byte(c.mark)
		}
		got := c.found.Doubt(mark, c.marked, c.height)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
