package engine

import (
	"fmt"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// The line of what nobody claims has an end; of what is claimed or paid for all is
// kept, whatever else waits. Who leaves makes room.
func TestOnlyTheLineOfTheUnclaimedHasAnEnd(t *testing.T) {
	t.Parallel()
	for _, kind := range []kind{asking, handing, idle, strange} {
		e := &Engine{waiting: make(map[payment.Ref]place), queued: make(map[place]int), lines: make(map[place]*queues)}
		ref := func(i int) payment.Ref { return payment.Ref(fmt.Sprint("R", i)) }
		bounded := kind == idle || kind == strange
		at := place{kind, "bank"}
		for i := range idleMost + 100 {
			if in := e.tryEnqueue(&payment.Record{Ref: ref(i)}, at); in != (!bounded || i < idleMost) {
				t.Fatalf("kind %d, number %d is in line: %v", kind, i, in)
			}
		}
		e.claimed(ref(5))
		e.claimed(ref(5))
		if !e.tryEnqueue(&payment.Record{Ref: ref(5)}, at) || bounded && e.tryEnqueue(&payment.Record{Ref: "one more"}, at) {
			t.Errorf("kind %d: one left, and not exactly one came in", kind)
		}
		if n := e.backlog(); bounded && n != idleMost || !bounded && n != 0 {
			t.Errorf("kind %d: %d intents wait", kind, n)
		}
		if !e.tryEnqueue(&payment.Record{Ref: "elsewhere"}, place{kind, "another bank"}) {
			t.Errorf("kind %d: another's line is full, too", kind)
		}
	}
}
