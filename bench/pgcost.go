package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// pgCost is what has been used so far of a database and of the machine around
// it: the difference of two is what some payments cost.
type pgCost struct {
	reads, changes, lazy float64 // statements of ours, as the server counts them
	syncs                float64 // of its log
	db, caddy, rest      time.Duration
}

func (c pgCost) since(o pgCost) pgCost {
	return pgCost{c.reads - o.reads, c.changes - o.changes, c.lazy - o.lazy, c.syncs - o.syncs, c.db - o.db, c.caddy - o.caddy, c.rest - o.rest}
}

func (c pgCost) plus(o pgCost) pgCost {
	return c.since(pgCost{}.since(o))
}

// startPostgres starts a server that counts statements, where it can.
func startPostgres() (*pgtest.Cluster, error) {
	settings := []string{"max_wal_size=4GB", "max_connections=400"}
	db, err := pgtest.New(append([]string{"shared_preload_libraries=pg_stat_statements"}, settings...)...)
	if err != nil {
		return pgtest.New(settings...)
	}
	return db, db.SQL(context.Background(), "CREATE EXTENSION pg_stat_statements")
}

const sqlCost = `SELECT coalesce(sum(calls) FILTER (WHERE query LIKE 'SELECT%'), 0)::float8,
	coalesce(sum(calls) FILTER (WHERE query NOT LIKE 'SELECT%' AND query NOT LIKE '%set_config%' AND query NOT LIKE '% payments_nodes %'), 0)::float8,
	coalesce(sum(calls) FILTER (WHERE query LIKE '%set_config%' AND query NOT LIKE '% payments_nodes %'), 0)::float8
FROM pg_stat_statements WHERE query LIKE '%payments\_%'`

// cost reads the counters.
func (b *bench) cost(ctx context.Context, db *pgtest.Cluster, nodes []*instance) (c pgCost, err error) {
	conn, err := pgx.Connect(ctx, db.DSN())
	if err != nil {
		return c, err
	}
	defer func() { _ = conn.Close(ctx) }()
	_ = conn.QueryRow(ctx, sqlCost).Scan(&c.reads, &c.changes, &c.lazy) // 0 without the extension
	if err := conn.QueryRow(ctx, "SELECT wal_sync::float8 FROM pg_stat_wal").Scan(&c.syncs); err != nil {
		return c, err
	}
	for _, n := range nodes {
		c.caddy += n.cpu()
	}
	for _, o := range b.children {
		c.rest += o.cpu()
	}
	c.rest -= c.caddy
	c.db, err = familyCPU(db)
	return c, err
}

// familyCPU is the CPU time of a server and its backends, of which none ends
// while it is measured.
func familyCPU(db *pgtest.Cluster) (total time.Duration, err error) {
	text, err := os.ReadFile(filepath.Join(db.Dir, "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	head, _, _ := strings.Cut(string(text), "\n")
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		f := strings.Fields(rest)
		if len(f) < 13 || f[1] != head && filepath.Base(filepath.Dir(name)) != head {
			continue
		}
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		total += time.Duration(user+system) * 10 * time.Millisecond
	}
	return total, nil
}

// note says what each of n payments cost.
func (c pgCost) note(n float64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("each %.1f reads, %.1f changes, %.1f lazy, %.2f syncs of the log; CPU: PostgreSQL %.0f µs, Caddy %.0f µs, load, provider and shop %.0f µs",
		c.reads/n, c.changes/n, c.lazy/n, c.syncs/n, micros(c.db)/n, micros(c.caddy)/n, micros(c.rest)/n)
}
