package badger

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Who loses against a change of the same batch is told when that change is
// settled: before, reading again would show the version that he had, and a power
// cut could still take the winner back.
func TestLoserWaitsForTheWinner(t *testing.T) {
	for _, fail := range []bool{false, true} {
		var inFlight func() error
		s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) {
			c.tick = time.Hour
			c.commitHook = func(uint64) error {
				if inFlight != nil {
					return inFlight()
				}
				return nil
			}
		})
		ctx := context.Background()
		stage := func(order string) *change {
			r := delivered(1)
			r.Order, r.Version = order, 1
			k, _ := packed.Ref(r.Ref)
			body, err := packed.Body(r, 1)
			must(t, err)
			return &change{ctx: ctx, done: make(chan error, 1),
				stage: func(get getter) ([]write, error) { return stageCommit(get, k, r, body, nil) }}
		}
		first, second := stage("first"), stage("second")
		boom := errors.New("input/output error")
		inFlight = func() error {
			if len(second.done) > 0 {
				t.Error("told before the winner is settled")
			}
			if fail {
				return boom
			}
			return nil
		}
		s.writer.mu.Lock()
		s.writer.queue, s.writer.taken = []*change{first, second}, true
		s.writer.holders.Add(1)
		s.writer.mu.Unlock()
		s.write(nil)
		errFirst, errSecond := <-first.done, <-second.done
		if !fail && (errFirst != nil || !errors.Is(errSecond, payment.ErrConflict)) {
			t.Errorf("%v, %v", errFirst, errSecond)
		}
		if fail && (!errors.Is(errFirst, payment.ErrBroken) || !errors.Is(errSecond, payment.ErrBroken)) {
			t.Errorf("the winner's outcome is unknown, and so is the loser's: %v, %v", errFirst, errSecond)
		}
	}
}
