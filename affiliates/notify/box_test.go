package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

func sale(id string) payment.Sale {
	return payment.Sale{EventID: id, Kind: payment.TellReview, Provider: "idpay", Order: id, Reason: payment.ReasonAmount}
}

// A message of the ledger's outbox is settled after the request that told it was taken,
// and not before; a reload in between, and a request that fails, lose nothing.
func TestOutboxIsSettledAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		var mu sync.Mutex
		sent, fail := 0, 1
		load := func() (*Notifier, func()) {
			n := &Notifier{box: b, name: "sms"}
			n.deliver = func(ctx context.Context, lines []line, more int) error {
				time.Sleep(2 * time.Second)
				mu.Lock()
				defer mu.Unlock()
				if fail--; fail >= 0 || ctx.Err() != nil {
					return errors.New("down")
				}
				for _, l := range lines {
					sent += l.count
				}
				return nil
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); n.Run(ctx, func(error) {}) }()
			return n, func() { stop(); <-done }
		}
		n, stop := load()
		for i := range 20 {
			if a := n.Report(t.Context(), sale(fmt.Sprint(i))); a.Outcome != payment.ReportHeld || a.RetryAfter < gather {
				t.Fatalf("before anything was sent: %+v", a)
			}
		}
		time.Sleep(4 * time.Second) // in the middle of the first request
		stop()
		n, stop = load()
		defer func() { stop() }()
		a := n.Report(t.Context(), sale("3"))
		if a.Outcome != payment.ReportHeld {
			t.Fatalf("after a reload: %+v", a)
		}
		time.Sleep(2 * time.Minute)
		mu.Lock()
		if sent != 20 {
			t.Errorf("%d of 20 were told", sent)
		}
		mu.Unlock()
		for i := range 20 {
			if a := n.Report(t.Context(), sale(fmt.Sprint(i))); a.Outcome != payment.ReportAccepted {
				t.Errorf("after it was told: %+v", a)
			}
		}
		if a := n.Report(t.Context(), sale("new")); a.Outcome != payment.ReportHeld || a.RetryAfter < 7*time.Minute {
			t.Errorf("the next within the pause: %+v", a)
		}
	})
}

// Whatever is noted, sent, refused and asked for, in any order: what is asked for until it
// is accepted was in a message that was taken.
func TestBoxLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, told, open, counted := newBox(), map[string]bool{}, map[string]bool{}, 0
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				key := fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "key"))
				if !told[key] {
					open[key] = true
					b.note(Event{Kind: "review", Reason: fmt.Sprint(rapid.IntRange(0, 30).Draw(t, "why")), Order: key}, key)
				}
			case 1:
				x, ok := b.take()
				if !ok {
					continue
				}
				var err error
				if rapid.Bool().Draw(t, "fails") {
					err = errors.New("down")
				}
				b.note(Event{Kind: "other"}, fmt.Sprint("beside", i))
				b.done(x, err)
				if err == nil {
					for _, k := range append(slices.Concat(keysOf(x)...), x.keys...) {
						told[k] = true
					}
					counted += x.more
					for _, l := range x.lines {
						counted += l.count
					}
				}
			default:
				key := fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "key"))
				if was := b.was(key); was != (told[key] && open[key]) {
					t.Fatalf("%s was told: %v, says the box: %v", key, told[key], was)
				} else if was {
					delete(open, key)
				}
			}
		}
		if counted != len(told) {
			t.Fatalf("%d were counted and %d told", counted, len(told))
		}
	})
}

func keysOf(b batch) (all [][]string) {
	for _, l := range b.lines {
		all = append(all, l.keys)
	}
	return all
}
