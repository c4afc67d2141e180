package badger

import (
	"context"
	"path/filepath"
	"strconv"
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

// However many returns somebody makes up with one id, all its records are found.
func TestMoreOfAnIDThanAPageLooksAt(t *testing.T) {
	t.Parallel()
	const looks = 40
	s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) { c.looks = looks })
	first := 0
	for _, n := range []int{looks - 1, looks, looks + 1, 10*looks + 5} {
		id := "contested" + strconv.Itoa(n)
		var all sync.WaitGroup
		for i := first; i < first+n; i++ {
			all.Go(func() {
				r := delivered(i)
				var take []payment.Key
				if i == first { // the oldest is the one that was paid
					take = []payment.Key{payment.ReceiptKey(r.Issuer, id)}
				} else {
					r.State, r.Receipt = payment.Declined, nil
				}
				r.ID = id
				if err := s.Commit(context.Background(), payment.Change{Record: r, Take: take, Lazy: true}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		found, last := 0, payment.Ref("")
		for q := (payment.Listing{ID: id, Limit: 1000}); ; {
			page, err := s.List(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			found += len(page.Records)
			if len(page.Records) > 0 {
				last = page.Records[len(page.Records)-1].Ref
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		if found != n || last != delivered(first).Ref {
			t.Errorf("%d of %d were found, the last is %s", found, n, last)
		}
		first += n
	}
}
