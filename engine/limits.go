package engine

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits for strangers: returns without an intent, a valid signature or a
// record. Those with proof never come here.
const (
	// refusals is how many refused verifications a client may cause in
	// refusalSpan before it queues.
	refusals    = 10
	refusalSpan = 10 * time.Minute
	// strangerRate and strangerBurst bound the provider calls that all
	// strangers together cause.
	strangerRate  = 10
	strangerBurst = 20
	// queueAll and queueClient bound how many wait.
	queueAll    = 512
	queueClient = 32
	// clientsKept bounds the memory for counters.
	clientsKept = 100_000
	// perProvider is how many calls to one provider run at once, strangersAmong
	// how many of them are for strangers. A provider that takes a second is asked
	// for that many payments a second.
	perProvider    = 128
	strangersAmong = 16
	// wrongIDs is how many different refused ids one signed order may bring in
	// wrongSpan.
	wrongIDs  = 10
	wrongSpan = time.Hour
)

// limits counts refusals per client and paces strangers.
type limits struct {
	mu      sync.Mutex
	clients map[string]*counter
	orders  map[string]*counter
	// traces are of refusals, by client; the empty client is all of them.
	traces map[string]*counter
	queued int
	pace   *rate.Limiter
}

type counter struct {
	since   time.Time
	n       int
	waiting int
}

func newLimits() *limits {
	return &limits{
		clients: make(map[string]*counter), orders: make(map[string]*counter), traces: make(map[string]*counter),
		pace: rate.NewLimiter(strangerRate, strangerBurst),
	}
}

// pass is what the door says to a stranger.
type pass int

const (
	// passNow: may ask.
	passNow pass = iota
	// passLater: waited as long as it was patient; try again.
	passLater
	// passFull: too many wait.
	passFull
)

// enter lets a stranger through at the common pace; one that caused many
// refusals waits behind its own before it even queues with the others.
func (l *limits) enter(ctx context.Context, client string, now time.Time, patience time.Duration) pass {
	l.mu.Lock()
	c := count(l.clients, client, now, refusalSpan)
	slow := c.n >= refusals
	if l.queued >= queueAll || c.waiting >= queueClient {
		l.mu.Unlock()
		return passFull
	}
	c.waiting++
	l.queued++
	turn := c.waiting
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		c.waiting--
		l.queued--
		l.mu.Unlock()
	}()
	if slow && turn > 1 {
		// One of its own is in front: fair to everybody else.
		return passLater
	}
	if slow && !l.pace.AllowN(now, 1) {
		return passLater
	}
	if slow {
		return passNow
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if l.pace.Wait(ctx) != nil {
		return passLater
	}
	return passNow
}

// refused counts a refused verification against its client.
func (l *limits) refused(client string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count(l.clients, client, now, refusalSpan).n++
}

// wrongID counts a refused id against a signed order and reports whether the
// order may bring another.
func (l *limits) wrongID(order string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count(l.orders, order, now, wrongSpan).n++
}

func (l *limits) mayBring(order string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.orders[order]
	return !ok || now.Sub(c.since) > wrongSpan || c.n < wrongIDs
}

// mayLeaveTrace counts a refusal and reports whether its trace may be kept.
func (l *limits) mayLeaveTrace(client string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := count(l.traces, "client "+client, now, tracesSpan)
	if mine.n++; client != "" && mine.n > tracesClient {
		return false
	}
	all := count(l.traces, "all", now, tracesAllSpan)
	all.n++
	return all.n <= tracesAll
}

func count(m map[string]*counter, key string, now time.Time, span time.Duration) *counter {
	c, ok := m[key]
	if ok && (c.waiting > 0 || now.Sub(c.since) <= span) {
		return c
	}
	if len(m) >= clientsKept {
		for k, old := range m {
			if old.waiting == 0 && now.Sub(old.since) > span || len(m) >= clientsKept && old.waiting == 0 {
				delete(m, k)
			}
			if len(m) < clientsKept*9/10 {
				break
			}
		}
	}
	c = &counter{since: now}
	m[key] = c
	return c
}
