package postgres

import (
	"errors"
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
	var lost []*payment.Record
	for try := 0; len(lost) == 0; try++ {
		if try == 10 {
			t.Fatal("the server lost nothing: this test tried nothing")
		}
		lost = lose(t, c, living, 100*try)
	}
	waitFor(t, "the other node uses the server again", func() bool {
		_, err := other.Get(ctx, lost[0].Ref)
		return err == nil && other.Ready() == nil
	})
	for _, r := range lost {
		now, err := other.Get(ctx, r.Ref)
		if err != nil {
			t.Fatal(err)
		}
		now.State = payment.Reversed
		if err := other.Commit(ctx, payment.Change{Record: now}); err != nil || now.Version != r.Version {
			t.Fatalf("version %d, not %d: %v", now.Version, r.Version, err)
		}
	}
	key := func(r *payment.Record) payment.Key { return payment.ReceiptKey(r.Issuer, r.ID) }
	var all sync.WaitGroup
	for i, r := range lost {
		all.Go(func() {
			change := payment.Change{Record: r, Lazy: i%3 == 0}
			if i%3 == 1 {
				change.Take = []payment.Key{key(r)}
			}
			r.State = payment.Delivered
			if err := living.Commit(ctx, change); !errors.Is(err, payment.ErrConflict) {
				t.Errorf("a change of a version that is lost: %v", err)
			}
		})
	}
	all.Wait()
	for i, r := range lost {
		now, err := living.Get(ctx, r.Ref)
		if err != nil || now.State != payment.Reversed {
			t.Errorf("what was marked as reversed is %v, %v", now, err)
		}
		if _, err := living.Holder(ctx, key(r)); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("a refused change took its key: %v", err)
		}
		now.History = append(now.History, payment.Entry{Code: "seen"})
		if err := living.Commit(ctx, payment.Change{Record: now, Lazy: i%2 == 0}); err != nil {
			t.Errorf("a change of what was read anew: %v", err)
		}
	}
	t.Logf("%d changes were lost", len(lost))
}

// lose ends a server behind a row of lazy changes, and gives the records as the
// node still holds them whose last change is gone. How many that are is the
// server's affair.
func lose(t *testing.T, c *pgtest.Cluster, s *Store, first int) (lost []*payment.Record) {
	t.Helper()
	held := make([]*payment.Record, 24)
	for i := range held {
		held[i] = newRecord(first + i)
		held[i].State = payment.Verified
		if err := s.Commit(ctx, payment.Change{Record: held[i]}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range held {
		r.State = payment.Delivering
		if err := s.Commit(ctx, payment.Change{Record: r, Lazy: true}); err != nil {
			t.Fatal(err)
		}
	}
	c.Kill()
	c.Again(t)
	waitFor(t, "the server is used again", func() bool {
		_, err := s.Get(ctx, held[0].Ref)
		return err == nil && s.Ready() == nil
	})
	for _, r := range held {
		now, err := s.Get(ctx, r.Ref)
		if err != nil {
			t.Fatal(err)
		}
		if now.Version < r.Version {
			lost = append(lost, r)
		}
	}
	return lost
}
