package simulation

import (
	"math/rand/v2"
	"time"
)

// lot draws everything that a seed decides. Only the conductor uses it. In a walk
// nothing is drawn: times are the shortest, and the walk chooses the rest.
type lot struct {
	*rand.Rand
	walk *walker
}

func newLot(seed, stream uint64) lot { return lot{rand.New(rand.NewPCG(seed, stream)), nil} }

func (l lot) chance(p float64) bool {
	if l.walk != nil {
		return l.walk.choose(2) == 1
	}
	return l.Float64() < p
}

// IntN is a number in [0,n).
func (l lot) IntN(n int) int {
	if l.walk != nil {
		return l.walk.choose(n)
	}
	return l.Rand.IntN(n)
}

// among is between for what only differs in a few ways: a walk chooses one of
// them.
func (l lot) among(a, b time.Duration, few []time.Duration) time.Duration {
	if l.walk != nil {
		return few[l.walk.choose(len(few))]
	}
	return l.between(a, b)
}

// between is a duration, evenly drawn.
func (l lot) between(a, b time.Duration) time.Duration {
	if l.walk != nil {
		return a
	}
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
	if l.walk != nil {
		return 0
	}
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
