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
					dropped, ok := l.Watch("a", fmt.Sprint(c, "-", round), fmt.Sprint("stranger ", c), now, false)
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
			if _, ok := l.Watch("a", "genuine", "customer", now, false); ok != room {
				t.Errorf("%d × %d: a newcomer finds a place: %v", clients, each, ok)
			}
			if _, ok := l.Watch("b", "genuine", "customer", now, false); !ok {
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
		l.Watch("a", fmt.Sprint("greedy ", i), "greedy", now, false)
	}
	if dropped, ok := l.Watch("a", "one more", "greedy", now, false); ok || dropped != "" {
		t.Errorf("beyond a client's own places %q is dropped, %v", dropped, ok)
	}
	for i := range queueAll - queueClient {
		l.Watch("a", fmt.Sprint("other ", i), fmt.Sprint("client ", i), now, false)
	}
	if dropped, ok := l.Watch("a", "new", "customer", now, false); !ok || dropped != "greedy 0" {
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
				l.Watch("a", fmt.Sprint(c, "-", i), fmt.Sprint("stranger ", c), now, false)
			}
		}
		l.Watch("a", "early", "hasty", now.Add(time.Hour), false)
		l.Watch("a", "genuine", "customer", now, false)
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
	l.Watch("a", "one", "1", now, false)
	l.Watch("a", "two", "2", now, false)
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

// While something waits that a redirect has led, every second turn is its: strangers who make returns
// up put it off by one question at most, and those who have redirects made leave half of the turns to
// all others. Nobody's turn is lost, and each has one.
func TestWhatARedirectHasLedTakesEverySecondTurn(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, clients := range []int{0, 1, 2, 50, 500} {
		for _, led := range []int{0, 1, 2, 7, 300} {
			l := NewStrangers()
			for c := range clients {
				l.Watch("a", fmt.Sprint("made up ", c), fmt.Sprint("stranger ", c), now, false)
			}
			for c := range led {
				l.Watch("a", fmt.Sprint("led ", c), fmt.Sprint("buyer ", c), now, true)
			}
			l.Watch("a", "early", "hasty", now.Add(time.Hour), true)
			seen := make(map[string]bool)
			ledSeen, others := 0, 0
			for range clients + led {
				ref := l.Turn("a", "early", now)
				if seen[ref] || ref == "early" {
					t.Fatalf("%d made up, %d led: %q has a turn", clients, led, ref)
				}
				if seen[ref] = true; ref[0] == 'l' {
					ledSeen++
				} else {
					others++
				}
				if n := len(seen); ledSeen < min(led, n/2) || others < min(clients, n/2) {
					t.Fatalf("%d made up, %d led: of %d turns %d were led", clients, led, n, ledSeen)
				}
			}
			if n, _ := l.Watched("a"); n != 1 || ledSeen != led || others != clients {
				t.Errorf("%d made up, %d led: %d and %d had a turn, %d wait", clients, led, others, ledSeen, n)
			}
		}
	}
}
