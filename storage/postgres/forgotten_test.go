package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rahgir/caddy-payments/payment"
)

// A payment is announced again at the moment at which the one that was forgotten
// lets go of its key: what looked held by itself is free by then, and must be
// taken. (Found by the histories.)
func TestTakenWhileForgotten(t *testing.T) {
	l := newLedger(t)
	s := l.open(t)
	key := payment.IntentKey("i", "1")
	old := newRecord(1)
	old.State = payment.Declined
	if err := s.Commit(ctx, payment.Change{Record: old, Take: []payment.Key{key}}); err != nil {
		t.Fatal(err)
	}
	servers.Cluster(t).With(t, func(ctx context.Context, conn *pgx.Conn) {
		if _, err := conn.Exec(ctx, "SET search_path = "+l.schema); err != nil {
			t.Fatal(err)
		}
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		k, _ := old.Ref.Bytes()
		if _, err := tx.Exec(ctx, sqlForget, k[:], int64(old.Version)); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			done <- s.Commit(ctx, payment.Change{Record: newRecord(1), Take: []payment.Key{key}})
		}()
		time.Sleep(300 * time.Millisecond) // it waits for the row
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	if holder, err := s.Holder(ctx, key); err != nil || holder != old.Ref {
		t.Errorf("the key is held by %q, %v", holder, err)
	}
}
