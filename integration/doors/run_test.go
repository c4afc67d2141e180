package doors

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

var (
	seeds = flag.Int("seeds", 0, "how many worlds; default 1000, and 50 with -short or the race detector")
	first = flag.Uint64("first", 1, "the first seed")
	lasts = flag.Duration("for", 0, "live worlds for so long instead")
	but   = flag.String("except", "", "kinds of faults not to speak of, separated by commas: to see what else there is")
	all   = flag.Bool("all", false, "go on after failures and show one of each kind")
)

// Nothing unpaid gets in, nothing paid falls out at the edges.
func TestDoors(t *testing.T) {
	n := *seeds
	if n == 0 {
		n = 1000
		if testing.Short() || raceEnabled {
			n = 50
		}
	}
	begun := time.Now()
	found := make(map[string]int)
	lived := 0
	for seed := *first; ; seed++ {
		if *lasts > 0 && time.Since(begun) > *lasts || *lasts == 0 && lived >= n {
			break
		}
		lived++
		w := live(newPlan(seed))
		if len(w.faults) == 0 {
			continue
		}
		kind := w.faults[0].Kind
		found[kind]++
		if found[kind] > 1 && *all {
			continue
		}
		t.Errorf("seed %d: %s", seed, report(shrink(w)))
		if !*all && len(found) >= 1 {
			break
		}
	}
	took := time.Since(begun)
	t.Logf("%d worlds in %s, %.0f a second; found: %v", lived, took.Round(time.Second), float64(lived)/took.Seconds(), found)
}

// report shows a failed world to a person.
func report(w *world) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n%s\n", w.faults[0].Kind, w.faults[0].Text, w.plan.caddyfile(w.at))
	for _, l := range w.lines {
		b.WriteString(l + "\n")
	}
	return strings.ReplaceAll(b.String(), w.suffix, ".test")
}
