package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// BenchmarkLookup compares looking something up in a large ledger with the same
// in one of ten thousand payments, in turns. PAYMENTS_BENCH_RECORDS says how
// large; the records are written by the server itself. PAYMENTS_BENCH_BUFFERS
// is the server's own memory; from "12GB" on it holds ten million payments.
func BenchmarkLookup(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("PAYMENTS_BENCH_RECORDS"))
	if n == 0 {
		n = 200_000
	}
	// A server's own memory is a part of its machine's, as in life; the rest of the
	// tables is in the system's, where that has room: disks are not compared here.
	buffers := cmp.Or(os.Getenv("PAYMENTS_BENCH_BUFFERS"), "2GB")
	c := pgtest.Start(b, "shared_buffers="+buffers, "max_wal_size=8GB", "wal_level=minimal", "max_wal_senders=0")
	small, large := filled(b, c, 10_000), filled(b, c, n)
	size := large.size(b)
	warm := c.SQL(ctx, "CREATE EXTENSION pg_prewarm") == nil
	for _, l := range []big{small, large} {
		for _, sql := range []string{
			"SELECT pg_prewarm(oid, 'read') FROM pg_class WHERE relnamespace = '%s'::regnamespace AND relkind = 'r'",
			"SELECT pg_prewarm(oid, 'prefetch') FROM pg_class WHERE relnamespace = '%s'::regnamespace AND relkind = 'i'",
			// As far as it goes, the indexes last.
			"SELECT pg_prewarm(oid, 'buffer') FROM (SELECT oid FROM pg_class WHERE relnamespace = '%s'::regnamespace AND relkind IN ('r', 'i') ORDER BY relkind DESC OFFSET 0) AS t",
		} {
			if warm {
				c.Exec(b, fmt.Sprintf(sql, l.schema))
			}
		}
	}
	for _, way := range []struct {
		name string
		look func(big, int) error
	}{{"get", big.get}, {"holder", big.holder}, {"order", big.order}} {
		b.Run(way.name, func(b *testing.B) {
			var took [2]time.Duration
			turn := 200
			for done := 0; done < b.N; done += turn {
				for i, l := range []big{small, large} {
					start := time.Now()
					for range turn {
						if err := way.look(l, 1+rand.IntN(l.n)); err != nil {
							b.Fatal(err)
						}
					}
					took[i] += time.Since(start)
				}
			}
			rounds := float64((b.N + turn - 1) / turn * turn)
			b.ReportMetric(took[1].Seconds()*1e6/rounds, "µs")
			b.ReportMetric(took[0].Seconds()*1e6/rounds, "small_µs")
			b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "of_small")
			b.ReportMetric(size, "bytes")
		})
	}
}

// big is a ledger of n payments.
type big struct {
	*Store
	schema string
	n      int
}

// sample is what a delivered payment takes on disk.
func sample() []byte {
	at := time.Date(2026, 3, 21, 8, 0, 0, 12345, time.UTC)
	r := &payment.Record{
		Site: "shop.example.ir", Route: "/payment/verify", Provider: "idpay", Issuer: "idpay:api.idpay.ir:live", Environment: "live",
		ID: "5d41402abc4b2a76b9719d911017c592", Order: "123456", State: payment.Delivered, Code: "100", Generation: 1,
		Expect:   payment.Expectation{Amount: 1_200_000, Source: payment.FromSigned},
		Attempts: payment.Attempts{Count: 1, First: at, Last: at, Claimed: true},
		Lease:    payment.Lease{Owner: "5d41402abc4b2a76b9719d911017c592", Epoch: 2},
		Receipt:  &payment.Receipt{ID: "5d41402abc4b2a76b9719d911017c592", Order: "123456", Amount: 1_200_000, Number: "1000000001", Reference: "100000000001", Card: "603799******1234", PaidAt: at},
		Delivery: payment.Delivery{Count: 1, Via: payment.ViaBrowser, First: at, Last: at, Status: 302, Location: "/order/123456/thanks"},
	}
	body, err := packed.Body(r, 4)
	if err != nil {
		panic(err)
	}
	return (&packed.Entry{Money: true}).Encode(body)
}

// filled loads a ledger as quickly as PostgreSQL can: the tables first, without a
// log of them, then the indexes. So the indexes are as compact as after a REINDEX.
func filled(b *testing.B, c *pgtest.Cluster, n int) big {
	b.Helper()
	schema := c.Schema(b)
	l := ledger{dsn: c.DSN("search_path", schema), schema: schema, file: filepath.Join(b.TempDir(), "generation")}
	s := l.open(b).Store
	// Names are hashes, as in life; orders and keys follow from the number.
	load := []string{
		"SET search_path = " + schema, "SET maintenance_work_mem = '512MB'", "SET max_parallel_maintenance_workers = 0",
		"ALTER TABLE payments_records DROP CONSTRAINT payments_records_pkey", "ALTER TABLE payments_keys DROP CONSTRAINT payments_keys_pkey",
		"DROP INDEX payments_records_created, payments_records_due, payments_records_notice, payments_records_order, payments_records_id, payments_keys_intent",
		"BEGIN", "TRUNCATE payments_records, payments_keys",
		fmt.Sprintf(`INSERT INTO payments_records SELECT substr(sha256(i::text::bytea), 1, 16), 4, i, 'delivered', true, i, NULL, i %% 256, NULL,
			i, i, '\x%x' FROM generate_series(1, %d) i`, sample(), n),
		fmt.Sprintf(`INSERT INTO payments_keys SELECT substr(sha256((i::text || k)::bytea), 1, 16), substr(sha256(i::text::bytea), 1, 16), false
			FROM generate_series(1, %d) i, unnest(ARRAY['r','n','o']) k`, n),
		"COMMIT",
		"ALTER TABLE payments_records ADD PRIMARY KEY (ref)", "ALTER TABLE payments_keys ADD PRIMARY KEY (key)",
	}
	for _, step := range migrations() {
		load = append(load, step...)
	}
	conn, err := pgx.Connect(ctx, c.DSN())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range append(load, "VACUUM (ANALYZE) payments_records", "VACUUM (ANALYZE) payments_keys", "CHECKPOINT") {
		if _, err := conn.Exec(ctx, sql); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	return big{s, schema, n}
}

func (l big) size(b *testing.B) (bytes float64) {
	b.Helper()
	err := l.pool.QueryRow(ctx, `SELECT (pg_total_relation_size('payments_records') + pg_total_relation_size('payments_keys'))::float8 / $1::float8`, float64(l.n)).Scan(&bytes)
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

func (l big) get(i int) error {
	m, err := l.look(ctx, "looking up", [][]byte{packed.Visitor(strconv.Itoa(i))}, nil)
	if err == nil && m.recs[0].body == nil {
		return payment.ErrNotFound
	}
	return err
}

func (l big) holder(i int) error {
	m, err := l.look(ctx, "looking up", nil, [][]byte{packed.Visitor(strconv.Itoa(i) + "r")})
	if err == nil && !m.holders[0].found {
		return payment.ErrNotFound
	}
	return err
}

func (l big) order(i int) error {
	return l.read(ctx, "looking up", func(ctx context.Context, c *pgxpool.Conn) error {
		p := beginning()
		rows, err := c.Query(ctx, sqlListOrder, p.created, p.ref, 10, i)
		if err != nil {
			return err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			n++
		}
		if n != 1 {
			return fmt.Errorf("%d payments of one order", n)
		}
		return rows.Err()
	})
}

// BenchmarkFind is [storagetest.Find] with as many payments as PAYMENTS_BENCH_RECORDS says,
// loaded by COPY with the indexes in place, as they grow by themselves.
func BenchmarkFind(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("PAYMENTS_BENCH_RECORDS"))
	if n == 0 {
		n = 100_000
	}
	c := pgtest.Start(b, "shared_buffers=512MB", "max_wal_size=8GB", "wal_level=minimal", "max_wal_senders=0")
	l := ledger{dsn: c.DSN("search_path", c.Schema(b)), file: filepath.Join(b.TempDir(), "generation")}
	s := l.open(b).Store
	if err := copyMixed(ctx, s, n); err != nil {
		b.Fatal(err)
	}
	whole := big{Store: s, n: n}
	storagetest.Find(b, s, n, func() float64 { return whole.size(b) })
}

// copyMixed loads the first n payments of [storagetest.Mixed].
func copyMixed(ctx context.Context, s *Store, n int) error {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	columns := []string{"ref", "version", "writer", "state", "money", "created", "due", "slot", "notice", "order_hash", "id_hash", "body", "terms", "found"}
	const part = 10_000
	for from := 0; from < n; from += part {
		var rows, keys [][]any
		for i := from; i < min(from+part, n); i++ {
			r := storagetest.Mixed(i)
			k, _ := r.Ref.Bytes()
			change := payment.Change{Record: r}
			if r.Receipt != nil {
				change.Take = r.Keys(false)
			}
			w, err := newRow(change, k)
			if err != nil {
				return err
			}
			terms := make([]int64, 0, 16)
			for _, t := range strings.Split(strings.Trim(w.cells.terms, "{}"), ",") {
				v, err := strconv.ParseInt(t, 10, 64)
				if err != nil {
					return err
				}
				terms = append(terms, v)
			}
			v := w.cells
			rows = append(rows, []any{k[:], w.next, w.writer, v.state, v.money, v.created, v.due, v.slot, v.notice, v.order, v.id, v.body, terms, w.writer})
			for _, t := range w.take {
				keys = append(keys, []any{t.Hash(), k[:], t.Kind == payment.KeyIntent})
			}
		}
		if _, err := c.Conn().CopyFrom(ctx, pgx.Identifier{"payments_records"}, columns, pgx.CopyFromRows(rows)); err != nil {
			return fmt.Errorf("loading payments: %w", err)
		}
		if _, err := c.Conn().CopyFrom(ctx, pgx.Identifier{"payments_keys"}, []string{"key", "ref", "intent"}, pgx.CopyFromRows(keys)); err != nil {
			return fmt.Errorf("loading keys: %w", err)
		}
	}
	// As the server's autovacuum does after so many; it may be at it.
	for _, sql := range []string{"SET lock_timeout = 0", "SET statement_timeout = 0", "VACUUM (ANALYZE) payments_records", "VACUUM (ANALYZE) payments_keys"} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}
