package notify

import (
	"strconv"
	"testing"
)

// Messages of the outbox are in flight up to a bound: one beyond it is not taken up, so
// the ledger brings it again, and it is taken up when there is room. None is told twice
// while its key is remembered, and the oldest keys are forgotten first.
func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, mostTold - 1, mostTold, mostTold + 1, 2*mostTold + 3} {
		b := newBox()
		for i := range n {
			b.note(Event{Kind: "review"}, strconv.Itoa(i))
			b.note(Event{Kind: "review"}, strconv.Itoa(i)) // the ledger brings it again
		}
		if got := len(b.flight); got != min(n, mostTold) {
			t.Fatalf("%d: %d are in flight", n, got)
		}
		b.note(Event{Kind: "disk"}, "") // what no ledger has is never left out
		told := 0
		for range 3 { // rounds of messages, until all are told
			sent, _ := b.take()
			for _, l := range sent.lines {
				if l.Kind == "review" {
					told += l.count
				}
			}
			told += sent.more
			b.done(sent, nil)
			if len(b.flight) != 0 || len(b.told) > mostTold || len(b.order) != len(b.told) {
				t.Fatalf("%d: %d in flight, %d told, %d in order", n, len(b.flight), len(b.told), len(b.order))
			}
			for i := told; i < n; i++ {
				b.note(Event{Kind: "review"}, strconv.Itoa(i))
			}
		}
		if told != n {
			t.Errorf("%d: %d were told", n, told)
		}
		if !b.was(strconv.Itoa(n-1)) || b.was(strconv.Itoa(n-1)) {
			t.Errorf("%d: the newest is not known as told, once", n)
		}
		if n > 1 && b.was("0") != (n <= mostTold) {
			t.Errorf("%d: the oldest is remembered wrongly", n)
		}
	}
}
