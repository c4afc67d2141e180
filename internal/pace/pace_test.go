package pace

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestOneCauseIsOneAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a Alerts
		now, told := 0, []int{}
		for range 500 {
			if a.Let(Cause{Kind: "malformed"}, func(held int) { told = append(told, held) }) {
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
		if len(told) != 0 {
			t.Error("told before the pause was over")
		}
		time.Sleep(Shortest)
		synctest.Wait()
		if len(told) != 1 || told[0] != 499 {
			t.Errorf("told %v, want 499 once", told)
		}
		time.Sleep(4 * Longest)
		synctest.Wait()
		if len(told) != 1 || len(a.last) != 0 || len(a.kinds) != 0 {
			t.Errorf("a quiet cause is kept: %v, told %v", a.last, told)
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
		var at []time.Duration
		sum := 0
		for range 3600 {
			if a.Let(Cause{Kind: "down"}, func(held int) { at = append(at, time.Since(begin)); sum += held }) {
				sum++
			}
			time.Sleep(time.Second)
		}
		time.Sleep(3 * Longest)
		synctest.Wait()
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
			told, held := 0, 0
			for i := range n {
				if a.Let(Cause{Kind: "malformed", Why: fmt.Sprint(i)}, func(n int) { held += n }) {
					told++
				}
			}
			if len(a.last) > maxCauses+1 || told > maxCauses+1 {
				t.Errorf("%d causes: %d kept, %d told", n, len(a.last), told)
			}
			time.Sleep(3 * Longest)
			synctest.Wait()
			if told+held != n || len(a.last) != 0 {
				t.Errorf("%d causes: %d told and %d held back, %d kept", n, told, held, len(a.last))
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
			sum := 0
			for i, s := range steps {
				if a.Let(Cause{Kind: "k", Why: fmt.Sprint(i % 3)}, func(n int) { sum += n }) {
					sum++
				}
				time.Sleep(time.Duration(s) * time.Second)
			}
			time.Sleep(3 * Longest)
			synctest.Wait()
			if sum != len(steps) {
				t.Errorf("%d of %d", sum, len(steps))
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
