package engine

import (
	"testing"
	"time"
)

// Whoever has the probe gives it back, and nobody else: a call that was let through
// before the breaker opened, or none at all, must not let a second probe go.
func TestOnlyItsOwnProbeIsGivenBack(t *testing.T) {
	t.Parallel()
	b, now := new(breaker), time.Now()
	early, ok := b.allow(now)
	if early || !ok {
		t.Fatal("a closed breaker")
	}
	for range breakerSample {
		b.done(false, false, now)
	}
	if _, ok := b.allow(now); ok || !b.open(now) {
		t.Fatal("it has not opened")
	}
	now = now.Add(breakerMost)
	probe, ok := b.allow(now)
	if !probe || !ok {
		t.Fatal("no probe")
	}
	b.cancel(early)
	if _, ok := b.allow(now); ok {
		t.Error("a call that made no question gave back the probe of another")
	}
	b.done(early, false, now)
	if _, ok := b.allow(now); ok {
		t.Error("a call that ended gave back the probe of another")
	}
	b.cancel(probe)
	if again, ok := b.allow(now); !again || !ok {
		t.Error("the probe that was given back is not to be had")
	}
}
