package limit

import (
	"fmt"
	"testing"
	"time"
)

// A new client costs the same however many there are, and the memory is bounded:
// below, at, just above and far above the bound.
func TestCountersAreBoundedAndCheap(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cs := newCounters(time.Minute)
	for i := range 3 * clientsKept {
		cs.at(fmt.Sprint(i), now).n++
		switch have := len(cs.m); i + 1 {
		case clientsKept - 1, clientsKept, clientsKept + 1, 3 * clientsKept:
			if have != min(i+1, clientsKept) {
				t.Errorf("after %d clients: %d counters", i+1, have)
			}
		}
	}
	fresh := testing.Benchmark(func(b *testing.B) {
		for i := range b.N {
			cs.at(fmt.Sprint("new", i), now)
		}
	})
	if per := time.Duration(fresh.NsPerOp()); per > 200*time.Microsecond {
		t.Errorf("a new client costs %s where %d are known", per, clientsKept)
	}
	if c := cs.at("again", now); c.n != 0 || cs.at("again", now) != c || cs.at("again", now.Add(2*time.Minute)) == c {
		t.Error("a counter is not kept for its span")
	}
}

func TestNeighbourhood(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2::/64": "2001:db8:1::/48", "2001:db8:1:ffff::": "2001:db8:1::/48", "": "", "x": "x", "::ffff:192.0.2.1": "::ffff:192.0.2.1",
	} {
		if got := neighbourhood(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestSpendIsARate(t *testing.T) {
	cs := newCounters(10 * time.Minute)
	start := time.Now()
	n := 0
	for d := time.Duration(0); d < 9*time.Minute; d += 100 * time.Millisecond {
		if cs.at("x", start.Add(d)).spend(start.Add(d), 20, 10) == 0 {
			n++
		}
	}
	if n < 188 || n > 191 {
		t.Errorf("%d in nine minutes", n)
	}
}
