package limit

import (
	"testing"
	"time"
)

// Whoever has the probe gives it back, and nobody else: a call that was let through
// before the breaker opened, or none at all, must not let a second probe go.
func TestOnlyItsOwnProbeIsGivenBack(t *testing.T) {
	t.Parallel()
	b, now := new(Breaker), time.Now()
	early, ok := b.Allow(now)
	if early || !ok {
		t.Fatal("a closed breaker")
	}
	for range breakerSample {
		b.Done(false, false, now)
	}
	if _, ok := b.Allow(now); ok || !b.Open(now) {
		t.Fatal("it has not opened")
	}
	now = now.Add(BreakerMost)
	probe, ok := b.Allow(now)
	if !probe || !ok {
		t.Fatal("no probe")
	}
	b.Cancel(early)
	if _, ok := b.Allow(now); ok {
		t.Error("a call that made no question gave back the probe of another")
	}
	b.Done(early, false, now)
	if _, ok := b.Allow(now); ok {
		t.Error("a call that ended gave back the probe of another")
	}
	b.Cancel(probe)
	if again, ok := b.Allow(now); !again || !ok {
		t.Error("the probe that was given back is not to be had")
	}
}
