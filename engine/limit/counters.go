package limit

import "time"

const (
	// clientsKept bounds the memory for counters of one kind.
	clientsKept = 100_000
	// evictLooks is how many counters are looked at for one that may go: the cost of
	// a new client is the same whether there are ten others or a hundred thousand.
	evictLooks = 16
)

// counters count by a client, an order or the like, for a span of time. Where
// there are too many, one of the oldest of a few is forgotten: an attacker who has enough
// addresses to make that happen is not held back by counters anyway.
type counters struct {
	m    map[string]*counter
	span time.Duration
}

type counter struct {
	since time.Time
	n     int
	// spent is how much of a rate is used up, as of at.
	spent float64
	at    time.Time
}

func newCounters(span time.Duration) counters {
	return counters{m: make(map[string]*counter), span: span}
}

// at is the counter of key; one whose span is over begins anew.
func (cs counters) at(key string, now time.Time) *counter {
	c, ok := cs.m[key]
	if ok && now.Sub(c.since) <= cs.span {
		return c
	}
	if !ok && len(cs.m) >= clientsKept {
		cs.evict()
	}
	c = &counter{since: now, at: now}
	cs.m[key] = c
	return c
}

// evict forgets the oldest of a few.
func (cs counters) evict() {
	looks := 0
	oldest, since := "", time.Time{}
	for key, c := range cs.m { // it begins anywhere
		if since.IsZero() || c.since.Before(since) {
			oldest, since = key, c.since
		}
		if looks++; looks == evictLooks {
			break
		}
	}
	delete(cs.m, oldest)
}

// spend uses one of a rate of so many a minute, with a burst; wait is how long
// there is none.
func (c *counter) spend(now time.Time, perMinute, burst float64) (wait time.Duration) {
	if passed := now.Sub(c.at); passed > 0 {
		c.spent = max(0, c.spent-passed.Minutes()*perMinute)
	}
	c.at = now
	if c.spent+1 > burst {
		return max(time.Millisecond, time.Duration((c.spent+1-burst)/perMinute*float64(time.Minute)))
	}
	c.spent++
	return 0
}
