package simulation

import (
	"math/rand/v2"
	"time"
)

// lot draws everything that a seed decides. Only the conductor uses it.
type lot struct{ *rand.Rand }

func newLot(seed, stream uint64) lot { return lot{rand.New(rand.NewPCG(seed, stream))} }

func (l lot) chance(p float64) bool { return l.Float64() < p }

// between is a duration, evenly drawn.
func (l lot) between(a, b time.Duration) time.Duration {
	return a + time.Duration(l.Int64N(int64(b-a)+1))
}

// pace is how long a kind of call takes.
type pace int

const (
	atOnce pace = iota // the world's own
	quick              // a read, or a write that is not synced
	synced             // a write that is
	wire               // a request over the network
)

func (l lot) takes(p pace) time.Duration {
	switch p {
	case quick:
		return l.between(20*time.Microsecond, 2*time.Millisecond)
	case synced:
		return l.between(time.Millisecond, 30*time.Millisecond)
	case wire:
		return l.between(5*time.Millisecond, 300*time.Millisecond)
	}
	return 0
}
