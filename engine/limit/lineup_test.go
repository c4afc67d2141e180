package limit

import (
	"fmt"
	"testing"
	"time"
)

// However many clients bring however many returns, nobody has more than its places nor all more
// than there are; and whoever has fewer than the greediest finds one.
func TestALineupIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, clients := range []int{1, 2, 50, 62, 63, 64, 1_000, queueAll - 1, queueAll, queueAll + 1} {
		for _, each := range []int{1, 2, queueClient - 1, queueClient, queueClient + 1, 3 * queueClient} {
			if clients*each > 20_000 {
				continue
			}
			l := NewStrangers()
			lost := 0
			for round := range each {
				for c := range clients {
					dropped, ok := l.Watch("a", fmt.Sprint(c, "-", round), fmt.Sprint("stranger ", c), now)
					if dropped != "" || !ok {
						lost++
					}
				}
			}
			line, most := l.seen["a"], 0
			for c, refs := range line.refs {
				if most = max(most, len(refs)); len(refs) > queueClient {
					t.Errorf("%d × %d: %s has %d places", clients, each, c, len(refs))
				}
			}
			if n := len(line.of); n > queueAll || n+lost != clients*each || len(line.ring) != len(line.refs) {
				t.Errorf("%d × %d: %d wait, %d were dropped", clients, each, n, lost)
			}
			room := len(line.of) < queueAll || most > 1
			if _, ok := l.Watch("a", "genuine", "customer", now); ok != room {
				t.Errorf("%d × %d: a newcomer finds a place: %v", clients, each, ok)
			}
			if _, ok := l.Watch("b", "genuine", "customer", now); !ok {
				t.Errorf("%d × %d: another account's line is full", clients, each)
			}
			for round := range each {
				for c := range clients {
					l.Leave(fmt.Sprint(c, "-", round))
				}
			}
			l.Leave("genuine")
			if len(line.of)+len(line.refs)+len(line.ring) != 0 {
				t.Errorf("%d × %d: something is left of who has left", clients, each)
			}
		}
	}
}

// The oldest of the greediest makes room.
func TestTheGreediestMakesRoom(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := NewStrangers()
	for i := range queueClient {
		l.Watch("a", fmt.Sprint("greedy ", i), "greedy", now)
	}
	if dropped, ok := l.Watch("a", "one more", "greedy", now); ok || dropped != "" {
		t.Errorf("beyond a client's own places %q is dropped, %v", dropped, ok)
	}
	for i := range queueAll - queueClient {
		l.Watch("a", fmt.Sprint("other ", i), fmt.Sprint("client ", i), now)
	}
	if dropped, ok := l.Watch("a", "new", "customer", now); !ok || dropped != "greedy 0" {
		t.Errorf("beyond all places %q is dropped, %v", dropped, ok)
	}
}

// Clients take turns: one that has one return waits for no more than one of each other's.
func TestClientsTakeTurns(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, clients := range []int{1, 5, 50} {
		l := NewStrangers()
		for c := range clients {
			for i := range queueClient {
				l.Watch("a", fmt.Sprint(c, "-", i), fmt.Sprint("stranger ", c), now)
			}
		}
		l.Watch("a", "early", "hasty", now.Add(time.Hour))
		l.Watch("a", "genuine", "customer", now)
		for n := 1; ; n++ {
			ref := l.Turn("a", "0-31", now)
			if ref == "early" {
				t.Fatal("it may not be asked about yet")
			}
			if ref == "genuine" {
				break
			}
			if l.Leave(ref); n > clients {
				t.Fatalf("%d clients: it waits for %d", clients, n)
			}
		}
	}
	l := NewStrangers()
	if ref := l.Turn("a", "x", now); ref != "x" {
		t.Errorf("what waits in no line yields to %q", ref)
	}
	// Whose turn it was waits no longer, and has the moment once.
	l.Watch("a", "one", "1", now)
	l.Watch("a", "two", "2", now)
	if ref := l.Turn("a", "two", now); ref != "one" {
		t.Errorf("it is the turn of %q", ref)
	}
	if l.Given("a", "one") {
		t.Error("nobody gave it a moment")
	}
	l.Give("a", "one")
	for _, want := range []bool{true, false} {
		if l.Given("a", "one") != want {
			t.Errorf("it has the moment: %v", !want)
		}
	}
	if n, _ := l.Watched("a"); n != 1 {
		t.Errorf("%d wait", n)
	}
}
