package badger

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// A batch takes so many changes, and whoever has no place in it waits for the
// next one: all come back, and the store closes.
func TestMoreThanABatchWaits(t *testing.T) {
	t.Parallel()
	for _, n := range []int{maxBatch - 1, maxBatch, maxBatch + 1, maxBatch + 2, 4 * maxBatch} {
		s, err := Open(filepath.Join(t.TempDir(), "ledger"), func(c *config) {
			c.commitHook = func(uint64) error { time.Sleep(50 * time.Millisecond); return nil }
		})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				if err := s.Commit(context.Background(), payment.Change{Record: delivered(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		done := make(chan error, 1)
		go func() { all.Wait(); done <- s.Close() }()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("of %d callers somebody was never answered, or the store does not close", n)
		}
	}
}
