package postgres

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// The server loses what it did not wait for, and the nodes live on. Another node
// changes each payment from where it was before, so that the same number is
// given out a second time: what is based on the lost one is refused, alone and
// among others in one statement.
func TestNumberGivenOutAgain(t *testing.T) {
	const payments = 24
	c := pgtest.Start(t, "wal_writer_delay=10s")
	var nodes [2]*Store
	for i := range nodes {
		s, err := Open(ctx, c.DSN())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		nodes[i] = s
	}
	living, other := nodes[0], nodes[1]
	held := make([]*payment.Record, payments)
	for i := range held {
		held[i] = newRecord(i)
		held[i].State = payment.Verified
		if err := living.Commit(ctx, payment.Change{Record: held[i]}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range held {
		r.State = payment.Delivering
		if err := living.Commit(ctx, payment.Change{Record: r, Lazy: true}); err != nil {
			t.Fatal(err)
		}
	}
	c.Kill()
	c.Again(t)
	lost := 0
	for i, r := range held {
		// Only the last of what was not synced is surely lost.
		waitFor(t, "it can be read", func() bool { _, err := other.Get(ctx, r.Ref); return err == nil })
		now, err := other.Get(ctx, r.Ref)
		if err != nil {
			t.Fatal(err)
		}
		if now.Version == r.Version {
			held[i] = nil
			continue
		}
		lost++
		now.State = payment.Reversed
		if err := other.Commit(ctx, payment.Change{Record: now}); err != nil || now.Version != r.Version {
			t.Fatalf("version %d, not %d: %v", now.Version, r.Version, err)
		}
	}
	if lost == 0 {
		t.Fatal("the server lost nothing: this test tried nothing")
	}
	waitFor(t, "the node can write", func() bool { return living.Ready() == nil })
	var all sync.WaitGroup
	for i, r := range held {
		if r == nil {
			continue
		}
		all.Go(func() {
			change := payment.Change{Record: r, Lazy: i%3 == 0}
			if i%3 == 1 {
				change.Take = []payment.Key{payment.ReceiptKey("i", strconv.Itoa(i))}
			}
			r.State = payment.Delivered
			if err := living.Commit(ctx, change); !errors.Is(err, payment.ErrConflict) {
				t.Errorf("a change of a version that is lost: %v", err)
			}
		})
	}
	all.Wait()
	for i, r := range held {
		if r == nil {
			continue
		}
		now, err := living.Get(ctx, r.Ref)
		if err != nil || now.State != payment.Reversed {
			t.Errorf("what was marked as reversed is %v, %v", now, err)
		}
		if _, err := living.Holder(ctx, payment.ReceiptKey("i", strconv.Itoa(i))); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("a refused change took its key: %v", err)
		}
		now.Notes = append(now.Notes, payment.Note{Action: "seen"})
		if err := living.Commit(ctx, payment.Change{Record: now, Lazy: i%2 == 0}); err != nil {
			t.Errorf("a change of what was read anew: %v", err)
		}
	}
	t.Logf("%d of %d lost", lost, payments)
}
