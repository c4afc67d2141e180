package badger

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/rahgir/caddy-payments/payment"
)

// gate counts who is inside. Badger panics, or reads memory that is no longer
// mapped, when it is closed under a running operation; and requests of an old
// configuration outlive its end.
type gate struct {
	closing atomic.Bool
	mu      sync.RWMutex
}

func (g *gate) enter() error {
	if g.closing.Load() {
		return payment.ErrClosed
	}
	g.mu.RLock()
	if g.closing.Load() {
		g.mu.RUnlock()
		return payment.ErrClosed
	}
	return nil
}

func (g *gate) exit() { g.mu.RUnlock() }

// turn is a lock that nobody waits for longer than his context lasts.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// shut refuses newcomers and waits until everybody has left. It reports whether
// this call was the first.
func (g *gate) shut() bool {
	first := !g.closing.Swap(true)
	g.mu.Lock()
	g.mu.Unlock() //nolint:staticcheck // waiting is all that it is for
	return first
}
