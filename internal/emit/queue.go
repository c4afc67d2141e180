// Package emit calls the subscribers of Caddy's events from one goroutine with a bounded
// queue. It promises that the code in which an event happens never waits for them.
package emit

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Job is one call; it should end when its context does.
type Job func(context.Context)

// Options bound a Queue. The zero value has the defaults.
type Options struct {
	// Room is how many jobs wait at most. Default: 1,024.
	Room int
	// Each is how long a job's context lasts. Default: 10 s.
	Each time.Duration
	// Hung is how many jobs that outlive their context are left behind, each
	// with a goroutine of its own, before the others have to wait for one of
	// them. Default: 8.
	Hung int
	// Trouble hears of a job that panicked or outlived its context. It is called
	// from the queue's goroutines and must not block.
	Trouble func(error)
}

// Queue does jobs one after the other, in the order of Put.
//
// Invariant: Put returns at once, whatever the jobs do; what finds no room is
// dropped, never waited for.
type Queue struct {
	o       Options
	jobs    chan Job
	begin   sync.Once
	hung    chan struct{}
	pending atomic.Int64
}

// New makes a queue that only collects until Run.
func New(o Options) *Queue {
	o.Room, o.Each, o.Hung = cmp.Or(o.Room, 1024), cmp.Or(o.Each, 10*time.Second), cmp.Or(o.Hung, 8)
	if o.Trouble == nil {
		o.Trouble = func(error) {}
	}
	return &Queue{o: o, jobs: make(chan Job, o.Room), hung: make(chan struct{}, o.Hung)}
}

// Run begins to do jobs; only the first call does anything.
func (q *Queue) Run() {
	q.begin.Do(func() {
		go func() {
			for job := range q.jobs {
				q.do(job)
			}
		}()
	})
}

// Put adds a job, and reports false if there was no room for it.
func (q *Queue) Put(job Job) bool {
	q.pending.Add(1)
	select {
	case q.jobs <- job:
		return true
	default:
		q.pending.Add(-1)
		return false
	}
}

// Flush waits until all jobs are done, but not longer than most.
func (q *Queue) Flush(most time.Duration) {
	const look = 5 * time.Millisecond
	for end := time.Now().Add(most); q.pending.Load() > 0 && time.Now().Before(end); {
		time.Sleep(look)
	}
}

// do does one job and waits for it, a moment longer than its context lasts.
func (q *Queue) do(job Job) {
	q.hung <- struct{}{}
	ctx, cancel := context.WithTimeout(context.Background(), q.o.Each)
	done := make(chan struct{})
	go func() {
		defer func() {
			if p := recover(); p != nil {
				q.o.Trouble(fmt.Errorf("an event handler panicked: %v", p))
			}
			cancel()
			<-q.hung
			q.pending.Add(-1)
			close(done)
		}()
		job(ctx)
	}()
	leave := time.NewTimer(q.o.Each + q.o.Each/10)
	defer leave.Stop()
	select {
	case <-done:
	case <-leave.C:
		q.o.Trouble(fmt.Errorf("an event handler did not end within %s and goes on beside the next event", q.o.Each))
	}
}
