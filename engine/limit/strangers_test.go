package limit

import (
	"fmt"
	"testing"
	"time"
)

// However many clients fill the room, one that has nothing in it finds a place, as
// long as they are fewer than the places; with more there is an end.
func TestTheRoomHasAPlaceForANewcomer(t *testing.T) {
	t.Parallel()
	for _, crowd := range []int{1, 2, 50, 62, 63, 64, 124, 1_000, queueAll - 1, queueAll, queueAll + 1, 3 * queueAll} {
		l := NewStrangers()
		now := time.Now()
		for round := range queueClient + 1 {
			for c := range crowd {
				l.Queue(fmt.Sprint(c, "-", round), fmt.Sprint("stranger ", c), now)
			}
		}
		held := 0
		for c, n := range l.line.by {
			if held += n; n > queueClient {
				t.Errorf("%d clients: %s has %d places", crowd, c, n)
			}
		}
		if held != len(l.line.of) || held > queueAll {
			t.Errorf("%d clients: %d places are held, %d counted", crowd, held, len(l.line.of))
		}
		if _, ok := l.Queue("genuine", "customer", now); ok != (crowd < queueAll) {
			t.Errorf("%d clients hold %d of %d places; a newcomer finds one: %v", crowd, held, queueAll, ok)
		}
		for ref := range l.line.of {
			l.Leave(ref)
		}
		if len(l.line.by) != 0 {
			t.Errorf("%d clients: %d are still counted when all have left", crowd, len(l.line.by))
		}
	}
}
