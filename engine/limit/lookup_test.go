package limit

import (
	"strconv"
	"testing"
	"time"
)

// Looks for receipts are counted by client, by number and by mobile, at each bound, and
// come free again.
func TestLookups(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	free := func(l *Strangers, n int, at time.Time, client, number, mobile func(i int) string) (let int) {
		for i := range n {
			if l.Lookup(client(i), number(i), mobile(i), at) == 0 {
				let++
			}
		}
		return let
	}
	one := func(int) string { return "1" }
	each := func(i int) string { return "2001:db8:" + strconv.Itoa(i) + "::/64" }
	for name, c := range map[string]struct {
		client, number, mobile func(int) string
		let                    int
	}{
		"one client":                      {one, each, each, lookupBurst},
		"one number of many clients":      {each, one, each, lookupsNumber},
		"one mobile of many clients":      {each, each, one, lookupsMobile},
		"many of each":                    {each, each, each, 500},
		"neighbours count as one":         {func(i int) string { return "2001:db8:0:" + strconv.Itoa(i) + "::/64" }, each, each, lookupBurst},
		"one number and mobile, together": {each, one, one, lookupsNumber},
	} {
		l := NewStrangers()
		if got := free(l, 500, now, c.client, c.number, c.mobile); got != c.let {
			t.Errorf("%s: %d were let through, want %d", name, got, c.let)
		}
		if got := free(l, 1, now.Add(lookupSpan+time.Second), c.client, c.number, c.mobile); got != 1 {
			t.Errorf("%s: nothing comes free", name)
		}
	}
}
