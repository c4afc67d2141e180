package limit

import "time"

const (
	// clientsKept bounds the memory for counters of one kind.
	clientsKept = 100_000
	// evictLooks is how many counters evict compares: a new client costs the same
	// beside ten others as beside a hundred thousand.
	evictLooks = 16
)

// counters hold one counter for each key (a client, an order) for a span of time. At
// the bound they forget the oldest of a few: counters don't stop an attacker who has
// that many addresses anyway.
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

// at returns the counter of a key. A counter whose span is over starts again at zero.
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

// spend takes one from a rate of so many a minute, with a burst. Where nothing is left,
// wait is how long it takes until there is.
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
