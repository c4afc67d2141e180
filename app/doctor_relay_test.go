package app

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/operate"
)

func TestLeads(t *testing.T) {
	t.Parallel()
	names := map[string][]string{
		"here.test": {"203.0.113.7"}, "mapped.test": {"::ffff:203.0.113.7"}, "loop.test": {"127.0.0.1"},
		"away.test": {"198.51.100.1"}, "both.test": {"203.0.113.7", "198.51.100.1"}, "none.test": {},
	}
	look := func(_ context.Context, _, host string) (addrs []netip.Addr, err error) {
		all, ok := names[host]
		if !ok {
			return nil, errors.New("no such host")
		}
		for _, a := range all {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		return addrs, nil
	}
	mine := func(a netip.Addr) bool { return a.IsLoopback() || a.String() == "203.0.113.7" }
	hosts := []string{"here.test", "mapped.test", "loop.test", "away.test", "both.test", "none.test", "unknown.test"}
	want := map[string]operate.Level{
		"here.test, mapped.test:": operate.LevelOK, "loop.test:": operate.LevelWarn, "away.test, both.test, none.test, unknown.test:": operate.LevelWarn,
	}
	got := leads(t.Context(), "p", hosts, look, mine)
	if len(got) != len(want) {
		t.Errorf("%d findings: %+v", len(got), got)
	}
	for _, f := range got {
		head, _, _ := strings.Cut(f.Text, ":")
		if want[head+":"] != f.Level || f.Code != "relay_hosts" {
			t.Errorf("%+v", f)
		}
	}
}

func TestCertified(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		left time.Duration
		want operate.Level
	}{
		{-time.Second, operate.LevelError}, {0, operate.LevelError}, {time.Second, operate.LevelWarn},
		{renewWithin - time.Second, operate.LevelWarn}, {renewWithin, operate.LevelOK}, {5 * 365 * 24 * time.Hour, operate.LevelOK},
	} {
		if got := certified("p", nil, now.Add(c.left), now); len(got) != 1 || got[0].Level != c.want {
			t.Errorf("%s left: %+v", c.left, got)
		}
	}
	if got := certified("p", []string{"a.test"}, time.Time{}, now); len(got) != 1 || got[0].Level != operate.LevelWarn || !strings.Contains(got[0].Text, "a.test") {
		t.Errorf("no certificate: %+v", got)
	}
}
