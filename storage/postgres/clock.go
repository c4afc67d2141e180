package postgres

import (
	"sync"
	"time"
)

// clock is the database's clock, carried forward by this machine's monotonic
// one. No node's wall clock decides about leases.
type clock struct {
	mu   sync.Mutex
	at   time.Time // when it was read, here
	db   time.Time // what it said
	last time.Time // what was said last: time does not go back
}

func (c *clock) init() {
	c.at = time.Now()
	c.db = c.at.UTC().Round(0)
}

// set takes a reading that was made between two moments of this machine's.
func (c *clock) set(before, after time.Time, db int64) {
	took := after.Sub(before)
	if took > 2*time.Second {
		return // worse than what is known
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.db = before.Add(took/2), time.UnixMicro(db).UTC()
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.db.Add(time.Since(c.at))
	if now.Before(c.last) && c.last.Sub(now) < time.Minute {
		return c.last
	}
	c.last = now
	return now
}
