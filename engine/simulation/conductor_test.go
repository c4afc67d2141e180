package simulation

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// call is something that a goroutine of the system under test wants of the
// world outside: it waits until the conductor has let it happen.
type call struct {
	p    *process // whose; nil for the world's own actors
	who  string   // the actor, by a name that no scheduler decides
	what string
	// pace is how long the call takes before fire, which is what it does. A fire
	// that sets held wakes the caller itself, later.
	pace pace
	wait time.Duration
	fire func(*call)
	wake chan struct{}
	held bool
	// n tells the calls apart that a gateway holds.
	n int
	// beside: it is our own question beside a shop's.
	beside bool
	// twin is the same question of the same actor at the same instant: nobody
	// could say which came first, so they are answered together.
	twin *call
	// over: it was woken; lost: its process died meanwhile.
	over, lost bool
}

// conductor lets exactly one thing happen at a time, in an order that only the
// seed decides: it waits until every goroutine of the bubble is blocked, takes
// the calls that arrived by name, gives each its time, and lets the earliest
// happen.
type conductor struct {
	now   time.Time
	began time.Time
	queue events
	seq   int
	steps int

	mu      sync.Mutex
	arrived []*call
	heard   []string // lines of this step that more than one goroutine may write

	glances int

	// walk, in an exhaustive walk, chooses what a seed would.
	walk *walker

	// trace is nil where nobody wants it.
	trace *strings.Builder
	// wrong is the first violation.
	wrong error
}

// event is what happens at a time.
type event struct {
	at  time.Time
	seq int
	run func()
	// who and what name it, and step says that others can tell when it happens;
	// only a walk asks.
	who, what string
	step      bool
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any) {
	if e, ok := x.(event); ok {
		*q = append(*q, e)
	}
}
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}

// at lets something happen at a time. Only the conductor calls it.
func (c *conductor) at(t time.Time, run func()) {
	c.enqueue(event{at: t, run: run, step: true})
}

func (c *conductor) enqueue(e event) {
	c.seq++
	e.seq = c.seq
	if c.walk != nil {
		c.walk.name(&e)
	}
	heap.Push(&c.queue, e)
}

func (c *conductor) in(d time.Duration, run func()) { c.at(c.now.Add(d), run) }

// answer lets what comes back to a caller arrive. Nobody else can tell when.
func (c *conductor) answer(d time.Duration, x *call, about any, run func()) {
	e := event{at: c.now.Add(d), run: run, who: x.who}
	if c.walk != nil {
		e.what = describe(about)
	}
	c.enqueue(e)
}

// submit hands a call to the conductor. Any goroutine may.
func (c *conductor) submit(x *call) {
	c.mu.Lock()
	c.arrived = append(c.arrived, x)
	c.mu.Unlock()
}

// seen ends a look of an actor's at what only the conductor changes. Nothing else
// moves while the conductor does, but the race detector must be told.
func (c *conductor) seen() {
	if raceEnabled {
		c.mu.Lock()
		c.glances++
		c.mu.Unlock()
	}
}

// take gives the calls that arrived since the last step, by name.
func (c *conductor) take() []*call {
	c.mu.Lock()
	calls := c.arrived
	c.arrived = nil
	heard := c.heard
	c.heard = nil
	c.mu.Unlock()
	slices.Sort(heard)
	for _, line := range heard {
		c.note("%s", line)
	}
	slices.SortFunc(calls, func(a, b *call) int {
		if n := cmp.Compare(a.who, b.who); n != 0 {
			return n
		}
		return cmp.Compare(a.what, b.what)
	})
	one := calls[:0]
	for _, x := range calls {
		if n := len(one); n > 0 && one[n-1].who == x.who && one[n-1].what == x.what {
			if one[n-1].twin != nil || !strings.HasPrefix(x.what, "get ") {
				c.fail("the simulation: %s waits twice for %q", x.who, x.what)
			}
			one[n-1].twin = x
			continue
		}
		one = append(one, x)
	}
	return one
}

// settle waits until nothing moves.
func (c *conductor) settle() { synctest.Wait() }

// pass lets time go by until t.
func (c *conductor) pass(t time.Time) {
	if d := t.Sub(c.now); d > 0 {
		time.Sleep(d)
		c.now = t
	}
}

// next takes the earliest event off the queue; false if there is none before
// limit.
func (c *conductor) next(limit time.Time) (event, bool) {
	if len(c.queue) == 0 || c.queue[0].at.After(limit) {
		return event{}, false
	}
	e, ok := heap.Pop(&c.queue).(event)
	return e, ok
}

// note writes a line of the trace.
func (c *conductor) note(format string, args ...any) {
	if c.trace != nil {
		fmt.Fprintf(c.trace, "%12.6f  ", c.now.Sub(c.began).Seconds())
		fmt.Fprintf(c.trace, format, args...)
		c.trace.WriteByte('\n')
	}
}

// hear is note for goroutines that may run beside others.
func (c *conductor) hear(format string, args ...any) {
	if c.trace != nil {
		c.mu.Lock()
		c.heard = append(c.heard, fmt.Sprintf(format, args...))
		c.mu.Unlock()
	}
}

// fail keeps the first violation; any goroutine may call it.
func (c *conductor) fail(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrong == nil {
		c.wrong = fmt.Errorf(format, args...)
	}
}

func (c *conductor) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrong
}

// actorKey carries the actor's name through the engine.
type actorKey struct{}

func as(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, actorKey{}, who)
}

func actorOf(ctx context.Context) string {
	who, _ := ctx.Value(actorKey{}).(string)
	return who
}
