package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// nodesRate measures verified payments a second with one, two and three Caddys on
// one PostgreSQL, in turns with pgbench's synced commits on the same server.
func nodesRate(ctx context.Context, b *bench) error {
	db, err := pgtest.New("max_wal_size=4GB", "max_connections=400")
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	defer db.Destroy()
	kinds := []struct {
		deliver string
		commits float64
	}{{"once", 3}, {"idempotent", 2}}
	sites := make([][]string, len(kinds)) // of each kind one on each node
	var first *instance
	var arms []*arm
	var commits []float64 // that a payment of each arm needs
	for n := range 3 {
		text := globals("postgres " + db.DSN())
		for i, k := range kinds {
			site := b.address()
			sites[i] = append(sites[i], site)
			text += fmt.Sprintf(verifySite, local(site), "", k.deliver)
		}
		c, err := b.startCaddy(ctx, text)
		if err != nil {
			return err
		}
		defer c.stop()
		if n == 0 {
			first = c
		}
		for i, k := range kinds {
			arms = append(arms, &arm{name: fmt.Sprintf("payments on PostgreSQL, %d nodes, deliver %s", n+1, k.deliver), site: strings.Join(sites[i], ","), path: returnPath, caddy: first})
			commits = append(commits, k.commits)
		}
	}
	for _, workers := range []int{8, 64} {
		var raw []float64
		if err := b.takeTurns(ctx, arms, workers, "", func() error {
			tps, err := pgbench(ctx, db, workers, b.slice)
			raw = append(raw, tps)
			return err
		}); err != nil {
			return err
		}
		at := fmt.Sprintf(", concurrency %d", workers)
		b.info("pgbench, one insert a commit"+at, raw, "commits/s", "the same server, in turns")
		for i, a := range arms {
			allowed := make([]float64, len(raw))
			for round := range raw {
				allowed[round] = raw[round] / commits[i]
			}
			b.info(a.name+at, over(a.rate, allowed), "of what the commits allow", fmt.Sprintf("%.0f/s; p99 %.1f ms", median(a.rate), median(a.p99)))
		}
	}
	return nil
}

var tpsLine = regexp.MustCompile(`(?m)^tps = ([\d.]+)`)

// pgbench is PostgreSQL's own benchmark: one row a commit, synced.
func pgbench(ctx context.Context, db *pgtest.Cluster, clients int, slice time.Duration) (float64, error) {
	dir, err := os.MkdirTemp("", "pgbench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	script := filepath.Join(dir, "insert.sql")
	text := "INSERT INTO bench_rows (body) VALUES (repeat('x', 400));\n"
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(script, []byte(text), 0o644)); err != nil { //nolint:gosec // another account reads it
		return 0, err
	}
	if err := db.SQL(ctx, "CREATE TABLE IF NOT EXISTS bench_rows (id bigserial PRIMARY KEY, body text)"); err != nil {
		return 0, err
	}
	seconds := max(2, int(slice.Round(time.Second)/time.Second))
	out, err := db.Command("pgbench", "-h", "127.0.0.1", "-p", strconv.Itoa(db.Port), "-U", pgtest.Superuser, "-n", "-M", "prepared",
		"-c", strconv.Itoa(clients), "-j", "2", "-T", strconv.Itoa(seconds), "-f", script, "postgres").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	m := tpsLine.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("pgbench says:\n%s", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// nodesLookups compares look-ups in a large ledger with those in a small one.
func nodesLookups(ctx context.Context, b *bench) error {
	large := "10000000"
	if b.quick {
		large = "200000"
	}
	const name = "BenchmarkLookup"
	if err := os.Setenv("PAYMENTS_BENCH_RECORDS", large); err != nil {
		return err
	}
	found, err := goTest(ctx, module+"/storage/postgres", name+"$", "-benchtime", "20000x", "-timeout", "120m")
	if err != nil {
		return err
	}
	for _, what := range []string{"get", "holder", "order"} {
		m := found[name+"/"+what]
		if m == nil {
			return fmt.Errorf("no benchmark %s/%s", name, what)
		}
		b.atMost(fmt.Sprintf("PostgreSQL: look-up by %s, %s payments", what, large), m["of_small"], 1.2, "of 10,000",
			fmt.Sprintf("%.0f µs and %.0f µs; %.0f bytes a payment with its keys and indexes", median(m["µs"]), median(m["small_µs"]), median(m["bytes"])))
	}
	return nil
}
