// Package pace limits how often one cause of trouble is reported: once, then at
// intervals, and not once per payment.
package pace

import (
	"sync"
	"time"
)

// The pauses of a cause: the first, and the longest, which a cause that lasts
// comes to by doubling.
const (
	Shortest = time.Minute
	Longest  = 10 * time.Minute
)

// maxCauses bounds what is told apart within a kind: strangers have a say in
// what an error reads like.
const maxCauses = 32

// Cause is what an alert is about. Kind must be one of few.
type Cause struct{ Kind, Provider, Site, Why string }

// Alerts lets the first of a cause through, holds back what comes during the
// pause that follows, and at the pause's end tells how much that was.
//
// Invariant: whatever is held back is told at the end of a pause, at most
// Longest later; a cause is told at most once a pause, however often it occurs.
type Alerts struct {
	mu    sync.Mutex
	last  map[Cause]*alert
	kinds map[string]int
}

type alert struct {
	pause time.Duration
	held  int
	again func(held int)
}

// Let reports whether to tell of it now. If not, again is called once the pause
// is over, with how many were held back, unless a later Let of the same cause
// brings an again of its own. It is called in a goroutine of its own, perhaps beside
// those of other causes.
func (a *Alerts) Let(c Cause, again func(held int)) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == nil {
		a.last, a.kinds = make(map[Cause]*alert), make(map[string]int)
	}
	if _, known := a.last[c]; !known && a.kinds[c.Kind] >= maxCauses {
		c = Cause{Kind: c.Kind}
	}
	if x := a.last[c]; x != nil {
		x.held++
		x.again = again
		return false
	}
	a.last[c] = &alert{pause: Shortest}
	a.kinds[c.Kind]++
	time.AfterFunc(Shortest, func() { a.over(c) })
	return true
}

// over ends a pause: a cause that was quiet is forgotten.
func (a *Alerts) over(c Cause) {
	a.mu.Lock()
	x := a.last[c]
	if x.held == 0 {
		delete(a.last, c)
		if a.kinds[c.Kind]--; a.kinds[c.Kind] == 0 {
			delete(a.kinds, c.Kind)
		}
		a.mu.Unlock()
		return
	}
	held, again := x.held, x.again
	x.held, x.again = 0, nil
	x.pause = min(2*x.pause, Longest)
	time.AfterFunc(x.pause, func() { a.over(c) })
	a.mu.Unlock()
	again(held)
}

// Lines bounds how often a kind is written down: a short burst, then one a
// second.
type Lines struct {
	mu    sync.Mutex
	kinds map[string]*line
}

const burst = 20

type line struct {
	left    float64
	at      time.Time
	skipped int
}

// Let reports whether there is room for one more, and if so how many were
// skipped before it.
func (l *Lines) Let(kind string) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kinds == nil {
		l.kinds = make(map[string]*line)
	}
	now := time.Now()
	x := l.kinds[kind]
	if x == nil {
		x = &line{left: burst, at: now}
		l.kinds[kind] = x
	}
	x.left = min(burst, x.left+now.Sub(x.at).Seconds())
	x.at = now
	if x.left < 1 {
		x.skipped++
		return 0, false
	}
	x.left--
	skipped, x.skipped = x.skipped, 0
	return skipped, true
}
