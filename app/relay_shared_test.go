package app

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A relay that can't tell which shop asks is safe as long as one shop uses it, or as each
// shop's returns are compared with their creates.
func TestSharedRelay(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at := func(site string) *url.URL { return &url.URL{Scheme: "https", Host: site, Path: "/return"} }
	type create struct {
		site    string
		watched bool
		after   time.Duration
	}
	asBefore := func(watched map[string]bool) func(*url.URL) (string, bool) {
		return func(u *url.URL) (string, bool) { return u.Host, watched[u.Host] }
	}
	for name, c := range map[string]struct {
		creates []create
		now     map[string]bool // where customers' returns are watched by the present configuration
		after   time.Duration
		warns   string
	}{
		"none":                                    {},
		"one shop":                                {creates: []create{{"a.test", false, 0}}},
		"one shop, twice":                         {creates: []create{{"a.test", false, 0}, {"a.test", false, 0}}},
		"two, both watched":                       {creates: []create{{"a.test", true, 0}, {"b.test", true, 0}}, now: map[string]bool{"a.test": true, "b.test": true}},
		"two, one unwatched":                      {creates: []create{{"a.test", true, 0}, {"b.test", false, 0}}, now: map[string]bool{"a.test": true}, warns: "customers of b.test return"},
		"two, none watched":                       {creates: []create{{"a.test", false, 0}, {"b.test", false, 0}}, warns: "customers of a.test and b.test return"},
		"two, watched by the next configuration":  {creates: []create{{"a.test", false, 0}, {"b.test", false, 0}}, now: map[string]bool{"a.test": true, "b.test": true}},
		"two, unwatched by the next":              {creates: []create{{"a.test", true, 0}, {"b.test", true, 0}}, now: map[string]bool{"b.test": true}, warns: "customers of a.test return"},
		"the other shop was here some weeks ago":  {creates: []create{{"a.test", false, 0}, {"b.test", false, sharedFor - time.Second}}, after: sharedFor - time.Second, warns: "customers of a.test and b.test return"},
		"the other shop was here long ago":        {creates: []create{{"a.test", false, 0}, {"b.test", false, sharedFor}}, after: sharedFor},
		"both were here long ago":                 {creates: []create{{"a.test", false, 0}, {"b.test", false, 0}}, after: sharedFor},
		"one that stays is not the other's cover": {creates: []create{{"a.test", false, 0}, {"b.test", false, 0}, {"b.test", true, time.Hour}}, after: sharedFor},
	} {
		var s sharedRelays
		for _, m := range c.creates {
			s.created("account", m.site, at(m.site), m.watched, now.Add(m.after))
		}
		got := s.findings("account", "zarinpal", asBefore(c.now), now.Add(c.after))
		if c.warns == "" && len(got) > 0 || c.warns != "" && (len(got) != 1 || got[0].Code != "relay_shared" || got[0].Where != "zarinpal" || !strings.Contains(got[0].Text, c.warns)) {
			t.Errorf("%s: %+v", name, got)
		}
		if got := s.findings("another", "zarinpal", asBefore(nil), now); len(got) > 0 {
			t.Errorf("%s: another account's shops are %+v", name, got)
		}
	}

	// One callback that nobody watches is enough, whatever comes before and after it.
	watched, unwatched := at("b.test"), &url.URL{Scheme: "https", Host: "b.test", Path: "/elsewhere"}
	var s sharedRelays
	s.created("account", "a.test", at("a.test"), true, now)
	for _, u := range []*url.URL{watched, unwatched, watched} {
		s.created("account", "b.test", u, u == watched, now)
	}
	got := s.findings("account", "zarinpal", func(u *url.URL) (string, bool) { return u.Host, u.Path == "/return" }, now)
	if len(got) != 1 || !strings.Contains(got[0].Text, "customers of b.test return") {
		t.Errorf("one callback of two is watched: %+v", got)
	}

	for _, n := range []int{sharedMost - 1, sharedMost, sharedMost + 1, 100 * sharedMost} {
		var s sharedRelays
		for i := range n {
			s.created("account", fmt.Sprint(i), at(fmt.Sprint(i)), true, now)
		}
		if got := len(s.accounts["account"]); got != min(n, sharedMost) {
			t.Errorf("%d sites are noted of %d", got, n)
		}
	}
	for _, n := range []int{0, sharedQuery, sharedQuery + 1, 60 << 10} {
		var s sharedRelays
		u := &url.URL{Scheme: "https", Host: "a.test", Path: "/return", RawQuery: strings.Repeat("q", n)}
		s.created("account", "a.test", u, true, now)
		if got := len(s.accounts["account"]["a.test"].callback.RawQuery); got > sharedQuery || n <= sharedQuery && got != n || len(u.RawQuery) != n {
			t.Errorf("of a query of %d bytes %d are kept", n, got)
		}
	}
}
