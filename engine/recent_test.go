package engine

import (
	"testing"
	"time"
)

// What is remembered is forgotten when it is old or too much, the oldest first, and not where it
// was put again since.
func TestRecent(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	for _, n := range []int{1, recentMost - 1, recentMost, recentMost + 1, 3 * recentMost} {
		var r recent[int, int]
		for i := range n {
			r.put(i, i, start)
		}
		if len(r.of) != min(n, recentMost) || len(r.order) != len(r.of) {
			t.Errorf("of %d, %d and %d are remembered", n, len(r.of), len(r.order))
		}
		if v, ok := r.get(n - 1); !ok || v != n-1 {
			t.Errorf("of %d the last is forgotten", n)
		}
	}
	for age, kept := range map[time.Duration]bool{0: true, recentSpan: true, recentSpan + 1: false, 100 * recentSpan: false} {
		var r recent[string, int]
		r.put("old", 1, start)
		r.put("renewed", 1, start)
		r.put("renewed", 2, start.Add(age))
		r.put("new", 1, start.Add(age))
		if _, ok := r.get("old"); ok != kept {
			t.Errorf("after %s it is remembered: %t", age, ok)
		}
		if v, ok := r.get("renewed"); !ok || v != 2 {
			t.Errorf("after %s what was put again is %d, %t", age, v, ok)
		}
		if v, ok := r.take("new"); !ok || v != 1 {
			t.Errorf("the newest is %d, %t", v, ok)
		}
		if _, ok := r.get("new"); ok {
			t.Error("it is remembered after it was taken")
		}
	}
}
