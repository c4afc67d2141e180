package pace

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// kept is how many causes are remembered, and of how many kinds.
func (a *Alerts) kept() (causes, kinds int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.last), len(a.kinds)
}

func TestOneCauseIsOneAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a Alerts
		now, told := 0, []int{}
		var mu sync.Mutex
		again := func(held int) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, held)
		}
		for range 500 {
			if a.Let(Cause{Kind: "malformed"}, again) {
				now++
			}
		}
		if now != 1 {
			t.Fatalf("500 in no time were told %d times", now)
		}
		if !a.Let(Cause{Kind: "malformed", Why: "another"}, nil) || !a.Let(Cause{Kind: "malformed", Provider: "sama"}, nil) || !a.Let(Cause{Kind: "parked"}, nil) {
			t.Error("another cause was held back")
		}
		time.Sleep(Shortest - time.Nanosecond)
		synctest.Wait()
		so := func() []int { mu.Lock(); defer mu.Unlock(); return slices.Clone(told) }
		if len(so()) != 0 {
			t.Error("told before the pause was over")
		}
		time.Sleep(Shortest)
		synctest.Wait()
		if told := so(); len(told) != 1 || told[0] != 499 {
			t.Errorf("told %v, want 499 once", told)
		}
		time.Sleep(4 * Longest)
		synctest.Wait()
		if causes, kinds := a.kept(); len(so()) != 1 || causes != 0 || kinds != 0 {
			t.Errorf("a quiet cause is kept: %d of %d kinds, told %v", causes, kinds, so())
		}
		if !a.Let(Cause{Kind: "malformed"}, nil) {
			t.Error("after quiet it is news again")
		}
		time.Sleep(2 * Longest)
	})
}

// A cause that lasts is repeated, in pauses that grow to a bound.
func TestALastingCauseIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a Alerts
		begin := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		sum := 0
		again := func(held int) {
			mu.Lock()
			defer mu.Unlock()
			at, sum = append(at, time.Since(begin)), sum+held
		}
		for range 3600 {
			if a.Let(Cause{Kind: "down"}, again) {
				mu.Lock()
				sum++
				mu.Unlock()
			}
			time.Sleep(time.Second)
		}
		time.Sleep(3 * Longest)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if sum != 3600 {
			t.Errorf("%d of 3600 were told of", sum)
		}
		want := []time.Duration{1, 3, 7, 15, 25, 35, 45, 55, 65}
		if len(at) != len(want) {
			t.Fatalf("repeated at %v", at)
		}
		for i := range at {
			if at[i] != want[i]*time.Minute {
				t.Errorf("repeated at %v", at)
			}
		}
	})
}

// However many causes strangers invent, what is kept and told stays bounded,
// and nothing is lost from the count.
func TestInventedCausesAreBounded(t *testing.T) {
	for _, n := range []int{1, maxCauses, maxCauses + 1, 5000} {
		synctest.Test(t, func(t *testing.T) {
			var a Alerts
			told := 0
			var held atomic.Int64 // the pauses of several causes end together
			for i := range n {
				if a.Let(Cause{Kind: "malformed", Why: fmt.Sprint(i)}, func(n int) { held.Add(int64(n)) }) {
					told++
				}
			}
			if kept, _ := a.kept(); kept > maxCauses+1 || told > maxCauses+1 {
				t.Errorf("%d causes: %d kept, %d told", n, kept, told)
			}
			time.Sleep(3 * Longest)
			synctest.Wait()
			if kept, _ := a.kept(); told+int(held.Load()) != n || kept != 0 {
				t.Errorf("%d causes: %d told and %d held back, %d kept", n, told, held.Load(), kept)
			}
		})
	}
}

// Whatever comes when: each is told of once, alone or as one of many.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 400), 1, 200).Draw(r, "seconds between")
		synctest.Test(t, func(t *testing.T) {
			var a Alerts
			var sum atomic.Int64
			for i, s := range steps {
				if a.Let(Cause{Kind: "k", Why: fmt.Sprint(i % 3)}, func(n int) { sum.Add(int64(n)) }) {
					sum.Add(1)
				}
				time.Sleep(time.Duration(s) * time.Second)
			}
			time.Sleep(3 * Longest)
			synctest.Wait()
			if int(sum.Load()) != len(steps) {
				t.Errorf("%d of %d", sum.Load(), len(steps))
			}
		})
	})
}

func TestLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Lines
		wrote := 0
		for range 5000 {
			if _, ok := l.Let("malformed"); ok {
				wrote++
			}
		}
		if wrote != burst {
			t.Errorf("%d lines at once", wrote)
		}
		if _, ok := l.Let("another"); !ok {
			t.Error("kinds share their room")
		}
		time.Sleep(time.Second)
		if skipped, ok := l.Let("malformed"); !ok || skipped != 5000-burst {
			t.Errorf("%v, %d skipped", ok, skipped)
		}
		if _, ok := l.Let("malformed"); ok {
			t.Error("more than one a second")
		}
	})
}
