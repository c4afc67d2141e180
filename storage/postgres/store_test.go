package postgres

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

var servers pgtest.Package //nolint:gochecknoglobals // one cluster for all tests

func TestMain(m *testing.M) {
	// Each step asks a server; -rapid.checks asks for more.
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	os.Exit(servers.Main(m))
}

// ledger is where a test's store lies.
type ledger struct {
	dsn, schema, file string
	opts              []Option
}

// onNewLife is told when a new generation begins, and why.
func onNewLife(f func(why string)) Option { return func(c *config) { c.onNewLife = f } }

type handle struct {
	*Store
	at ledger
}

func newLedger(t testing.TB, opts ...Option) ledger {
	t.Helper()
	c := servers.Cluster(t)
	schema := c.Schema(t)
	return ledger{dsn: c.DSN("search_path", schema), schema: schema, file: filepath.Join(t.TempDir(), "generation"), opts: opts}
}

func (l ledger) open(t testing.TB, opts ...Option) handle {
	t.Helper()
	opts = append(append([]Option{WithGenerationFile(l.file)}, l.opts...), opts...)
	s, err := Open(context.Background(), l.dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return handle{s, l}
}

func TestConformance(t *testing.T) {
	// How soon a crowd of thousands is answered is the machine's; that each is, is ours.
	patient := WithTimeout(time.Minute)
	tables := []string{"payments_ledger", "payments_records", "payments_keys", "payments_tracks", "payments_secrets", "payments_nodes"}
	storagetest.Run(t, storagetest.Harness{
		Open: func(t *testing.T) payment.Store { return newLedger(t, patient).open(t) },
		Reopen: func(t *testing.T, s payment.Store) payment.Store {
			h := s.(handle)
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			return h.at.open(t)
		},
		Join: func(t *testing.T, s payment.Store) payment.Store {
			at := s.(handle).at
			at.file = filepath.Join(t.TempDir(), "generation")
			return at.open(t)
		},
		Lose: func(t *testing.T, s payment.Store) payment.Store {
			h := s.(handle)
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			c := servers.Cluster(t)
			c.Exec(t, "DROP SCHEMA "+h.at.schema+" CASCADE; CREATE SCHEMA "+h.at.schema)
			return h.at.open(t)
		},
		Snapshot: func(t *testing.T, s payment.Store) func() payment.Store {
			h := s.(handle)
			c := servers.Cluster(t)
			backup := c.Schema(t)
			keep, bring := "", ""
			for _, table := range tables {
				from, to := h.at.schema+"."+table, backup+"."+table
				keep += "CREATE TABLE " + to + " AS SELECT * FROM " + from + ";"
				bring += "TRUNCATE " + from + "; INSERT INTO " + from + " SELECT * FROM " + to + ";"
			}
			c.Exec(t, keep)
			return func() payment.Store {
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
				c.Exec(t, bring)
				return h.at.open(t)
			}
		},
		Slow: func(t *testing.T, sync time.Duration) payment.Store {
			l := newLedger(t, patient, WithConns(40))
			l.dsn += "&commit_siblings=0&commit_delay=" + strconv.FormatInt(sync.Microseconds(), 10)
			return l.open(t)
		},
		Stall: func(t *testing.T) (payment.Store, func(), func()) {
			h := newLedger(t, patient).open(t)
			conn, err := pgx.Connect(context.Background(), h.at.dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close(context.Background()) })
			run := func(sql string) {
				if _, err := conn.Exec(context.Background(), sql); err != nil {
					t.Error(err)
				}
			}
			halt := func() {
				run("BEGIN")
				run("LOCK TABLE payments_records, payments_keys, payments_tracks, payments_secrets IN ACCESS EXCLUSIVE MODE")
			}
			return h, halt, sync.OnceFunc(func() { run("ROLLBACK") })
		},
		Capped: func(t *testing.T, n int) payment.Store { return newLedger(t, patient, WithMaxTracks(n)).open(t) },
	})
}
