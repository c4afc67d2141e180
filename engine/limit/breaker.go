package limit

import (
	"sync"
	"time"
)

// Breaker keeps calls from a provider that does not answer. Only the transport
// feeds it: an unknown id, a "no" or a wrong key never do. While it is open an
// admitted return is recorded and answered 202; one probe at a time finds out
// whether the provider is back.
type Breaker struct {
	mu     sync.Mutex
	recent [breakerSample]bool
	n, bad int
	at     int
	until  time.Time
	probe  bool
	opened int
}

const (
	// breakerSample is how many calls are looked at: the breaker opens when half of
	// them failed.
	breakerSample = 20
	// BreakerWait is how long it stays open at first.
	BreakerWait = 5 * time.Second
	// BreakerMost is how long it stays open at most before the next probe.
	BreakerMost = 60 * time.Second
)

// Allow reports whether a call may go out now, and whether it is the probe: the
// one call that finds out whether the provider is back. The caller returns the probe
// by Done or Cancel; a caller without one must not.
func (b *Breaker) Allow(now time.Time) (probe, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return false, true
	}
	if now.Before(b.until) || b.probe {
		return false, false
	}
	b.probe = true
	return true, true
}

// Open reports whether calls are held back now.
func (b *Breaker) Open(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.until)
}

// Cancel returns a probe with which no call was made.
func (b *Breaker) Cancel(probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probe = false
	}
}

// Done records how a call went and returns its probe. opened reports that this call
// opened the breaker.
func (b *Breaker) Done(probe, ok bool, now time.Time) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probe = false
	}
	if !b.until.IsZero() {
		if !probe && !ok {
			return false // it was under way when the breaker opened: nothing new
		}
		if ok {
			b.n, b.bad, b.at, b.opened, b.until = 0, 0, 0, 0, time.Time{}
			return false
		}
		b.until = now.Add(b.wait())
		return false
	}
	if b.n == breakerSample {
		if b.recent[b.at] {
			b.bad--
		}
	} else {
		b.n++
	}
	b.recent[b.at] = !ok
	if !ok {
		b.bad++
	}
	b.at = (b.at + 1) % breakerSample
	if b.n == breakerSample && b.bad*2 >= breakerSample {
		b.until = now.Add(b.wait())
		return true
	}
	return false
}

func (b *Breaker) wait() time.Duration {
	d := BreakerWait << min(b.opened, 4)
	b.opened++
	return min(d, BreakerMost)
}
