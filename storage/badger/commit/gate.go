package commit

import (
	"errors"
	"sync"
	"sync/atomic"
)

var errClosed = errors.New("closed")

// gate counts the callers inside. A store panics, or reads memory that is no longer
// mapped, when it is closed under a running operation; and requests of an old
// configuration outlive its end.
type gate struct {
	closing atomic.Bool
	mu      sync.RWMutex
}

func (g *gate) enter() error {
	if g.closing.Load() {
		return errClosed
	}
	g.mu.RLock()
	if g.closing.Load() {
		g.mu.RUnlock()
		return errClosed
	}
	return nil
}

func (g *gate) exit() { g.mu.RUnlock() }

// close refuses new callers and waits until all have left. It reports whether
// this call was the first.
func (g *gate) close() bool {
	first := !g.closing.Swap(true)
	g.mu.Lock()
	g.mu.Unlock() //nolint:staticcheck // waiting is all that it is for
	return first
}
