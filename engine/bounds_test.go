package engine

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// around are counts below, at, just above and far above a bound.
func around(most int) []int { return []int{1, most - 1, most, most + 1, 2*most + 7} }

var atBounds = time.Unix(1_790_000_000, 0).UTC()

// Listed payments that are not ours are remembered up to a bound. One beyond it is not
// remembered, so it is not brought back; it is as soon as an hour has made room.
func TestBroughtIsBounded(t *testing.T) {
	t.Parallel()
	for _, n := range around(mostBrought) {
		s := NewShared()
		for i := range n {
			if s.metBefore("i", strconv.Itoa(i), atBounds) {
				t.Fatalf("%d: the first look at %d brings it back", n, i)
			}
		}
		if want := min(n, mostBrought); len(s.brought) != want {
			t.Errorf("%d: %d are remembered, want %d", n, len(s.brought), want)
		}
		last := strconv.Itoa(n - 1)
		if got, want := s.metBefore("i", last, atBounds.Add(browserGrace)), n <= mostBrought; got != want {
			t.Errorf("%d: the last is brought back: %v, want %v", n, got, want)
		}
		hour := atBounds.Add(2*time.Hour + 2*browserGrace)
		s.metBefore("i", "new", hour)
		if !s.metBefore("i", "new", hour.Add(browserGrace)) {
			t.Errorf("%d: nothing comes free after two hours", n)
		}
	}
}

// Links between traces are kept for the newest payments, and forgotten for the oldest.
func TestTracedIsBounded(t *testing.T) {
	t.Parallel()
	at := func(i int) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{byte(i >> 16), byte(i >> 8), byte(i), 1}})
	}
	for _, n := range around(mostTraced) {
		var tr traces
		for i := range n {
			tr.remember(payment.Ref(strconv.Itoa(i)), at(i))
			tr.remember(payment.Ref(strconv.Itoa(i)), at(i)) // again is not another
		}
		if want := min(n, mostTraced); len(tr.last) != want || len(tr.order) != want {
			t.Errorf("%d: %d links, %d in order, want %d", n, len(tr.last), len(tr.order), want)
		}
		if got := tr.last[payment.Ref(strconv.Itoa(n-1))]; !got.IsValid() {
			t.Errorf("%d: the newest is forgotten", n)
		}
		if _, kept := tr.last["0"]; kept != (n <= mostTraced) {
			t.Errorf("%d: the oldest is kept: %v", n, kept)
		}
	}
}

// Payments that look alike are noticed up to a bound, beyond which the memory begins
// anew; the pair that comes next is noticed again.
func TestLookalikesAreBounded(t *testing.T) {
	t.Parallel()
	rec := func(ref string, i int) *payment.Record {
		return &payment.Record{
			Ref: payment.Ref(ref), Issuer: "i", Expect: payment.Expectation{Amount: 1000},
			Receipt: &payment.Receipt{Reference: "ref" + strconv.Itoa(i), Card: "6037********1234"},
		}
	}
	for _, n := range around(maxLookalikes) {
		s := NewShared()
		for i := range n {
			if s.repeated(rec("a", i), atBounds) {
				t.Fatalf("%d: %d looks like another", n, i)
			}
			if len(s.lookalikes) > maxLookalikes {
				t.Fatalf("%d: %d are remembered", n, len(s.lookalikes))
			}
		}
		if !s.repeated(rec("b", n-1), atBounds.Add(time.Hour)) {
			t.Errorf("%d: the newest pair was not noticed", n)
		}
		if s.repeated(rec("b", n-1), atBounds.Add(2*time.Hour)) {
			t.Errorf("%d: a payment looks like itself", n)
		}
		if s.repeated(rec("c", n-1), atBounds.Add(2*time.Hour+lookalikeSpan)) {
			t.Errorf("%d: a pair after a day", n)
		}
	}
}

// Reports to a paused receiver are remembered for the next configuration up to a bound;
// the others are found by their due time.
func TestStalledIsBounded(t *testing.T) {
	t.Parallel()
	for _, n := range around(maxStalled) {
		s := NewShared()
		for i := range n {
			s.stall(payment.Ref(strconv.Itoa(i)))
		}
		got := s.takeStalled()
		if want := min(n, maxStalled); len(got) != want || len(s.takeStalled()) != 0 {
			t.Errorf("%d: %d are remembered, want %d once", n, len(got), want)
		}
	}
}

// One account more than are remembered is taken for one that may have been used before
// this ledger: the worst that can be.
func TestAccountsAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, accountsMost - 1, accountsMost, accountsMost + 1, accountsMost + 9} {
		store := memory.New(func() time.Time { return atBounds })
		for round := range 2 { // the second finds what the first has written
			e, err := New(t.Context(), Config{Store: store})
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				a, others, err := e.enrol(t.Context(), payment.Terms{Traits: payment.Traits{Issuer: fmt.Sprintf("bank|%03d|live", i), Environment: "live"}})
				if err != nil {
					t.Fatal(err)
				}
				known := i < accountsMost
				if a.First != known || round == 1 && len(others) != min(n, accountsMost)-map[bool]int{true: 1}[known] {
					t.Errorf("%d, round %d: account %d: first %v, %d others", n, round, i, a.First, len(others))
				}
			}
		}
	}
}
