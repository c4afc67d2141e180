package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// A database that was stopped lets nobody wait longer than his time, says within
// moments that it is gone, and has not written what it said it did not know of.
func TestStoppedDatabase(t *testing.T) {
	c := servers.Cluster(t)
	proxy := pgtest.NewProxy(t, c.Port)
	l := newLedger(t)
	l.dsn = c.DSNAt(proxy.Port, "search_path", l.schema)
	s := l.open(t)
	r := newRecord(1)
	if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
		t.Fatal(err)
	}
	proxy.Refuse(true)
	for name, do := range map[string]func(context.Context) error{
		"a commit of a new one": func(ctx context.Context) error { return s.Commit(ctx, payment.Change{Record: newRecord(2)}) },
		"a commit":              func(ctx context.Context) error { return s.Commit(ctx, payment.Change{Record: r.Clone()}) },
		"a look":                func(ctx context.Context) error { _, err := s.Get(ctx, r.Ref); return err },
		"a key":                 func(ctx context.Context) error { _, err := s.Holder(ctx, payment.ReceiptKey("i", "x")); return err },
	} {
		begin := time.Now()
		limited, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		err := do(limited)
		cancel()
		if err == nil || time.Since(begin) > 1500*time.Millisecond {
			t.Errorf("%s: %v after %s", name, err, time.Since(begin))
		}
	}
	begin := time.Now()
	for s.Ready() == nil {
		if time.Since(begin) > 5*time.Second {
			t.Fatal("it still says that it is ready")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := s.Ready(); !errors.Is(err, ErrUnreachable) || !errors.Is(err, payment.ErrClosed) {
		t.Errorf("Ready: %v", err)
	}
	proxy.Refuse(false)
	for begin := time.Now(); s.Ready() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 15*time.Second {
			t.Fatal("it does not come back")
		}
	}
	if err := s.Commit(ctx, payment.Change{Record: newRecord(2)}); err != nil {
		t.Errorf("what was never sent is there: %v", err)
	}
	if got, err := s.Get(ctx, r.Ref); err != nil || got.Version != 1 {
		t.Errorf("%v, %v", got, err)
	}
}
