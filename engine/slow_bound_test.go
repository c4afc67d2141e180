package engine

import (
	"fmt"
	"testing"
	"time"
)

// However many sites are slow, what is remembered of them is bounded, and each is an alert.
func TestSlowSitesAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, n := range []int{maxSlow - 1, maxSlow, maxSlow + 1, 10 * maxSlow} {
		s := NewShared()
		for i := range n {
			if !s.firstSlow(fmt.Sprint("site ", i), now) {
				t.Fatalf("site %d of %d is no alert", i, n)
			}
		}
		last := fmt.Sprint("site ", n-1)
		if len(s.slow) > maxSlow || s.firstSlow(last, now.Add(slowAgain-1)) || !s.firstSlow(last, now.Add(slowAgain)) {
			t.Errorf("after %d sites %d are remembered, or the last is an alert too soon or too late", n, len(s.slow))
		}
	}
}
