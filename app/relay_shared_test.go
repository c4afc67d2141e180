package app

import (
	"fmt"
	"strings"
	"testing"
)

// A relay that can't tell which shop asks is safe as long as one shop uses it, or as each
// shop's returns are compared with their creates.
func TestSharedRelay(t *testing.T) {
	t.Parallel()
	type create struct {
		site    string
		watched bool
	}
	for name, c := range map[string]struct {
		creates []create
		warns   string
	}{
		"none":                           {},
		"one shop":                       {creates: []create{{"a.test", false}}},
		"one shop, twice":                {creates: []create{{"a.test", false}, {"a.test", false}}},
		"two, both watched":              {creates: []create{{"a.test", true}, {"b.test", true}}},
		"two, one unwatched":             {creates: []create{{"a.test", true}, {"b.test", false}}, warns: "customers of b.test return"},
		"two, none watched":              {creates: []create{{"a.test", false}, {"b.test", false}}, warns: "customers of a.test and b.test return"},
		"one callback of two is watched": {creates: []create{{"a.test", true}, {"b.test", true}, {"b.test", false}, {"b.test", true}}, warns: "customers of b.test return"},
	} {
		var s sharedRelays
		for _, m := range c.creates {
			s.created("zarinpal", m.site, m.watched)
		}
		got := s.findings()
		if c.warns == "" && len(got) > 0 || c.warns != "" && (len(got) != 1 || got[0].Code != "relay_shared" || !strings.Contains(got[0].Text, c.warns)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, n := range []int{sharedMost - 1, sharedMost, sharedMost + 1, 100 * sharedMost} {
		var s sharedRelays
		for i := range n {
			s.created("zarinpal", fmt.Sprint(i), true)
		}
		if got := len(s.sites["zarinpal"]); got != min(n, sharedMost) {
			t.Errorf("%d sites are noted of %d", got, n)
		}
	}
}
