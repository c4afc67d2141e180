package postgres

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// F38: what loses confirmed commits is refused, with the reason.
func TestRefused(t *testing.T) {
	c := pgtest.Start(t)
	refused := func(dsn, why string) {
		t.Helper()
		s, err := Open(ctx, dsn)
		var no *RefusedError
		if !errors.As(err, &no) || !strings.Contains(err.Error(), why) {
			t.Errorf("want a refusal because of %q, got %v", why, err)
		}
		if err == nil {
			_ = s.Close()
		}
	}
	reload := func(setting string) {
		t.Helper()
		c.Exec(t, "ALTER SYSTEM "+setting)
		c.Exec(t, "SELECT pg_reload_conf()")
		time.Sleep(300 * time.Millisecond)
	}
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		reload("SET " + name + " = off")
		refused(c.DSN(), name+" is off")
		reload("RESET " + name)
	}
	c.Exec(t, "CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET synchronous_commit = off")
	refused(strings.Replace(c.DSN(), pgtest.Superuser+"@", "hasty@", 1), "synchronous_commit is off")
	refused(c.DSN("default_transaction_read_only", "on"), "takes no writes")
	standby := c.Standby(t)
	refused(standby.DSN(), "standby")

	// Promises that are only weaker are raised, stronger ones kept.
	for set, want := range map[string]string{"local": "on", "remote_write": "on", "on": "on", "remote_apply": "remote_apply"} {
		s, err := Open(ctx, c.DSN("synchronous_commit", set))
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := s.pool.QueryRow(ctx, "SHOW synchronous_commit").Scan(&got); err != nil || got != want {
			t.Errorf("%s became %s, want %s: %v", set, got, want, err)
		}
		// A lazy change leaves nothing behind in its session.
		r := newRecord(1)
		if err := s.Commit(ctx, payment.Change{Record: r, Lazy: true}); err != nil && !errors.Is(err, payment.ErrConflict) {
			t.Error(err)
		}
		for range 4 {
			if err := s.pool.QueryRow(ctx, "SHOW synchronous_commit").Scan(&got); err != nil || got != want {
				t.Errorf("after a lazy change it is %s, want %s: %v", got, want, err)
			}
		}
		_ = s.Close()
	}
	for what, dsn := range map[string]string{
		"no such role":     strings.Replace(c.DSN(), pgtest.Superuser+"@", "nobody@", 1),
		"no such database": strings.Replace(c.DSN(), "/postgres?", "/other?", 1),
		"no such schema":   c.DSN("search_path", "nowhere"),
	} {
		if s, err := Open(ctx, dsn); err == nil {
			t.Errorf("%s: opened", what)
			_ = s.Close()
		}
	}
}

// Neither tables of a later version nor those from before the first release are opened.
func TestOtherFormatsAreRefused(t *testing.T) {
	l := newLedger(t)
	s := l.open(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, format := range []int{1, tablesFormat - 1, tablesFormat + 1, 99} {
		servers.Cluster(t).Exec(t, fmt.Sprintf("UPDATE %s.payments_ledger SET format = %d", l.schema, format))
		if _, err := Open(ctx, l.dsn); !errors.Is(err, ErrFormat) {
			t.Errorf("tables of format %d: %v", format, err)
		}
	}
}

// Nodes that start together on an empty database make its tables once, and one
// ledger.
func TestStartTogether(t *testing.T) {
	l := newLedger(t)
	var all sync.WaitGroup
	var ids sync.Map
	for range 12 {
		all.Go(func() {
			s, err := Open(ctx, l.dsn)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			g, err := s.Generation(ctx)
			if err != nil || g.Seq != 1 {
				t.Error(g, err)
			}
			ids.Store(g.ID, true)
		})
	}
	all.Wait()
	n := 0
	ids.Range(func(_, _ any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d ledgers in one database", n)
	}
}

// F35: kill -9 of the postmaster, and immediate shutdowns, under load. What was
// confirmed is there, and nobody has to restart.
func TestServerKilled(t *testing.T) {
	c := pgtest.Start(t)
	s, err := Open(ctx, c.DSN(), WithGenerationFile(filepath.Join(t.TempDir(), "g")))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const workers, rounds = 6, 6
	stop := make(chan struct{})
	confirmed := make([]uint64, workers)
	var made, open atomic.Int64
	var load sync.WaitGroup
	for w := range workers {
		load.Go(func() {
			r := newRecord(w)
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := s.Commit(ctx, payment.Change{Record: r})
				if err == nil {
					confirmed[w] = r.Version
					made.Add(1)
					continue
				}
				open.Add(1)
				time.Sleep(20 * time.Millisecond)
				got, err := s.Get(ctx, r.Ref)
				if err == nil {
					if got.Version < confirmed[w] {
						t.Errorf("version %d was confirmed, %d is there", confirmed[w], got.Version)
					}
					r = got
				}
			}
		})
	}
	for i := range rounds {
		time.Sleep(300 * time.Millisecond)
		if i%2 == 0 {
			c.Kill()
		} else {
			c.Immediate()
		}
		c.Again(t)
	}
	waitFor(t, "it is ready again", func() bool { return s.Ready() == nil })
	close(stop)
	load.Wait()
	for w := range workers {
		got, err := s.Get(ctx, newRecord(w).Ref)
		if err != nil || got.Version < confirmed[w] {
			t.Errorf("version %d was confirmed, %v is there: %v", confirmed[w], got, err)
		}
	}
	if g, err := s.Generation(ctx); err != nil || g.Seq != 1 {
		t.Errorf("a server that crashed and lost nothing began a generation: %+v, %v", g, err)
	}
	t.Logf("%d ends of the server, %d changes confirmed, %d without an outcome", rounds, made.Load(), open.Load())
}

// F37: an asynchronous standby is promoted that lost the tail. Before anything is
// read or written there, a new generation begins, on all nodes one and the same.
func TestPromotedStandby(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.Standby(t)
	dsn := pgtest.DSNs([]*pgtest.Cluster{primary, standby})
	var why atomic.Value
	a, err := Open(ctx, dsn, onNewLife(func(w string) { why.Store(w) }))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	early, late := newRecord(1), newRecord(2)
	if err := a.Commit(ctx, payment.Change{Record: early}); err != nil {
		t.Fatal(err)
	}
	first, err := a.Generation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the standby has it", func() bool {
		ok := false
		standby.With(t, func(ctx2 context.Context, conn *pgx.Conn) {
			ok = conn.QueryRow(ctx2, "SELECT true FROM payments_records").Scan(&ok) == nil
		})
		return ok
	})
	standby.CutOff(t)
	time.Sleep(500 * time.Millisecond)
	if err := a.Commit(ctx, payment.Change{Record: late, Take: []payment.Key{payment.ReceiptKey("i", "2")}}); err != nil {
		t.Fatal(err)
	}
	primary.Kill()
	standby.Promote(t)
	for _, s := range []*Store{a, b} {
		waitFor(t, "the new primary is used", func() bool {
			_, err := s.Get(ctx, early.Ref)
			return err == nil
		})
		if _, err := s.Get(ctx, late.Ref); !errors.Is(err, payment.ErrNotFound) {
			t.Fatalf("the tail is not lost: %v", err)
		}
		g, err := s.Generation(ctx)
		if err != nil || g.Seq != first.Seq+1 || g.ID != first.ID || !g.Start.After(first.Start) {
			t.Errorf("%+v after %+v, %v", g, first, err)
		}
	}
	if why.Load() == nil {
		t.Error("nobody was told")
	}
}

func TestJudge(t *testing.T) {
	start := time.UnixMicro(1_000_000).UTC()
	now := time.UnixMicro(9_000_000).UTC()
	inside := ledgerRow{id: "a", seq: 3, start: start.UnixMicro(), origin: "s/1"}
	known := generationfile.Mark{ID: "a", Seq: 3, Start: start, High: 5_000_000}
	for name, c := range map[string]struct {
		row    ledgerRow
		origin string
		known  generationfile.Mark
		high   uint64
		seq    uint32
		fresh  bool
	}{
		"as it was left":             {inside, "s/1", known, 5_000_000, 3, false},
		"others went on":             {inside, "s/1", known, 8_000_000, 3, false},
		"a node that is new":         {inside, "s/1", generationfile.Mark{}, 1, 3, false},
		"a server that does not say": {inside, "", known, 5_000_000, 3, false},
		"promoted":                   {inside, "s/2", known, 5_000_000, 4, true},
		"promoted, a new node":       {inside, "s/2", generationfile.Mark{}, 5_000_000, 4, true},
		"another server":             {inside, "t/1", known, 5_000_000, 4, true},
		"a backup":                   {inside, "s/1", known, 4_999_999, 4, true},
		"an older backup":            {inside, "s/1", generationfile.Mark{ID: "a", Seq: 7, High: 1}, 5_000_000, 8, true},
		"noticed by others":          {inside, "s/1", generationfile.Mark{ID: "a", Seq: 2, High: 8_000_000}, 5_000_000, 3, false},
		"another ledger":             {inside, "s/1", generationfile.Mark{ID: "b", Seq: 9, High: 5_000_000}, 5_000_000, 10, true},
		"another since":              {inside, "s/1", generationfile.Mark{ID: "b", Seq: 9, High: 900_000}, 5_000_000, 3, false},
		"empty":                      {ledgerRow{untouched: true}, "s/1", generationfile.Mark{}, 0, 1, false},
		"emptied":                    {ledgerRow{untouched: true}, "s/1", known, 0, 4, true},
	} {
		m, why := judge(c.row, c.origin, c.known, c.high, now)
		if m.Seq != c.seq || (why != "") != c.fresh || m.ID == "" {
			t.Errorf("%s: generation %d (%s), want %d", name, m.Seq, why, c.seq)
		}
		if c.fresh && !m.Start.Equal(now) {
			t.Errorf("%s: it does not begin now", name)
		}
	}
}
