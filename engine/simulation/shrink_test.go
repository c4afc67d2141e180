package simulation

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var countFlag = flag.Bool("count-failures", false, "live all seeds whatever fails, and only count")

// shrink makes a failing world smaller while it still fails: fewer customers,
// then fewer faults, one by one, until no single one can be left out. Its steps
// end with the first violation anyhow.
func shrink(t *testing.T, v verdict, lim limits) (verdict, limits) {
	lim.drop = make(map[int]bool)
	try := func(l limits) bool {
		next := simulate(t, v.seed, l, newHits())
		if next.err == nil {
			return false
		}
		v, lim = next, l
		return true
	}
	for n := 1; n < len(v.plan.shoppers); n++ {
		fewer := lim
		fewer.customers = n
		if try(fewer) {
			break
		}
	}
	for again := true; again; {
		again = false
		for _, s := range slices.Backward(v.struck) {
			fewer := lim
			fewer.drop = maps.Clone(lim.drop)
			fewer.drop[s.n] = true
			if try(fewer) {
				again = true
				break
			}
		}
		if len(lim.drop) > 200 {
			break
		}
	}
	return v, lim
}

// report prints a failing seed: shrunk, with its trace and how to live it again.
func report(t *testing.T, v verdict) {
	t.Helper()
	if *countFlag {
		t.Errorf("seed %d: %v", v.seed, v.err)
		return
	}
	small, lim := shrink(t, v, limits{})
	lim.trace = true
	last := simulate(t, small.seed, lim, newHits())
	lines := strings.Split(last.trace, "\n")
	const most = 250
	if len(lines) > most {
		lines = append([]string{lines[0], fmt.Sprintf("… %d lines …", len(lines)-most)}, lines[len(lines)-most:]...)
	}
	t.Errorf("seed %d: %v\nshrunk to %d faults: %v\n%s\nagain: %s", v.seed, v.err, len(last.struck), last.struck, strings.Join(lines, "\n"), command(v.seed, lim))
}

// command lives a seed again.
func command(seed uint64, lim limits) string {
	c := fmt.Sprintf("go test ./engine/simulation -run '^TestSimulation$' -seed %d", seed)
	if lim.customers > 0 {
		c += fmt.Sprintf(" -customers %d", lim.customers)
	}
	if len(lim.drop) > 0 {
		var list []string
		for _, n := range slices.Sorted(maps.Keys(lim.drop)) {
			list = append(list, itoa(n))
		}
		c += " -drop " + strings.Join(list, ",")
	}
	return c
}

func parseDrop(s string) map[int]bool {
	drop := make(map[int]bool)
	for _, part := range strings.Split(s, ",") {
		if n, err := strconv.Atoi(part); err == nil {
			drop[n] = true
		}
	}
	return drop
}

// String is one fault with its time.
func (s strike) String() string { return fmt.Sprintf("%s at %.3fs", s.kind, s.at.Seconds()) }
