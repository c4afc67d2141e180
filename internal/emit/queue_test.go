package emit

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Put never waits, the order is kept, and what found no room is counted: below,
// at, just above and far above the bound.
func TestQueueIsBounded(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 66, 5000} {
		synctest.Test(t, func(t *testing.T) {
			const room = 64
			q := New(Options{Room: room})
			var mu sync.Mutex
			var got []int
			begin := time.Now()
			taken := 0
			for i := range n {
				if q.Put(func(context.Context) {
					time.Sleep(3 * time.Second)
					mu.Lock()
					defer mu.Unlock()
					got = append(got, i)
				}) {
					taken++
				}
			}
			if took := time.Since(begin); took != 0 {
				t.Errorf("%d: Put waited for %s", n, took)
			}
			q.Run()
			q.Run()
			q.Flush(time.Hour)
			close(q.jobs)
			if want := min(n, room); taken != want || len(got) != want {
				t.Errorf("%d: %d taken, %d done; want %d", n, taken, len(got), want)
			}
			if !slices.IsSorted(got) {
				t.Errorf("%d: out of order: %v", n, got)
			}
		})
	}
}

// A job that heeds its context costs the others its time; one that never ends
// is left behind, and so many of these only that their number stays bounded.
func TestQueueOutlivesHangingJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var trouble atomic.Int64
		q := New(Options{Hung: 2, Trouble: func(error) { trouble.Add(1) }})
		q.Run()
		var heeded time.Duration
		begin := time.Now()
		q.Put(func(ctx context.Context) { <-ctx.Done(); heeded = time.Since(begin) })
		never, done := make(chan struct{}), make(chan struct{})
		q.Put(func(context.Context) { <-never })
		q.Put(func(context.Context) { close(done) })
		<-done
		if heeded != 10*time.Second || time.Since(begin) != 21*time.Second || trouble.Load() != 1 {
			t.Errorf("heeded after %s, the third done after %s, %d troubles", heeded, time.Since(begin), trouble.Load())
		}
		q.Put(func(context.Context) { <-never })
		var after atomic.Bool
		q.Put(func(context.Context) { after.Store(true) })
		q.Flush(time.Second)
		time.Sleep(time.Hour)
		if after.Load() {
			t.Error("a third goroutine was made beside two that hang")
		}
		close(never)
		q.Flush(time.Second)
		if !after.Load() {
			t.Error("it didn't go on when the hanging jobs ended")
		}
		close(q.jobs)
	})
}

func TestQueueOutlivesPanics(t *testing.T) {
	said := make(chan error, 1)
	q := New(Options{Trouble: func(err error) { said <- err }})
	q.Run()
	q.Put(func(context.Context) { panic("oops") })
	done := make(chan struct{})
	q.Put(func(context.Context) { close(done) })
	<-done
	if err := <-said; !strings.Contains(err.Error(), "oops") {
		t.Error(err)
	}
}
