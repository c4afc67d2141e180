package params

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestLenientValues(t *testing.T) {
	long := strings.Repeat("x", MaxValue)
	for _, c := range []struct {
		query, body string
		want        []string
	}{
		{"id=A1&x=2", "", []string{"A1"}},
		{"id=A1%09", "", []string{"A1\t"}},
		{"id=%00A1%00x", "", []string{"\x00A1\x00x"}},
		{"id=A1%zz", "", []string{"A1%zz"}},
		{"id=A1%ff", "", []string{"A1\xff"}},
		{"id=A1&i%64=A1&ID=A2", "id=A3%0a", []string{"A1", "A2", "A3\n"}},
		{"id=%20%20A1&id=A1", "", []string{"  A1", "A1"}},
		{"id=&id=%09", "", []string{"\t"}},
		{"id=" + long[1:], "", []string{long[1:]}},
		{"id=" + long, "", []string{long}},
		{"id=" + long + "y", "", []string{" " + long[1:]}},
		{"id=" + strings.Repeat("+", 4*MaxValue) + "A1" + strings.Repeat("+", 8), "", []string{" A1        "}},
	} {
		if got, all := LenientValues(c.query, []byte(c.body), "id"); !all || !slices.Equal(got, c.want) {
			t.Errorf("%.40q, %q: %.60q, all %v", c.query, c.body, got, all)
		}
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("&id=A" + strconv.Itoa(i) + "%01")
		}
		return b.String()
	}
	for n, want := range map[int]bool{MostValues - 1: true, MostValues: true, MostValues + 1: false, 40 * MostValues: false} {
		if got, all := LenientValues(many(n), nil, "id"); all != want || len(got) != min(n, MostValues) {
			t.Errorf("of %d values there are %d, all %v", n, len(got), all)
		}
	}
	if _, all := LenientValues("x="+strings.Repeat("y", MaxBytes), nil, "id"); all {
		t.Error("a query that is too long to be read is said to be read")
	}
}
