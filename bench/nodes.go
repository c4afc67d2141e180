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
	var nodes []*instance
	defer func() {
		for _, c := range nodes {
			c.stop()
		}
	}()
	kinds := []*nodesKind{{name: "once", commits: 3}, {name: "idempotent", commits: 2}}
	for range 3 {
		text := globals("postgres " + db.DSN())
		for _, k := range kinds {
			site := b.address()
			k.sites = append(k.sites, site)
			text += fmt.Sprintf(verifySite, local(site), "", k.name)
		}
		c, err := b.startCaddy(ctx, text)
		if err != nil {
			return err
		}
		nodes = append(nodes, c)
	}
	for _, workers := range []int{8, 64} {
		if err := b.nodesTurns(ctx, db, nodes, kinds, workers); err != nil {
			return err
		}
	}
	return nil
}

// nodesKind is one way to deliver payments: a site on each node.
type nodesKind struct {
	name    string
	commits float64
	sites   []string
}

// nodesSide is a kind on the first n nodes.
type nodesSide struct {
	*nodesKind
	n         float64
	rate, p99 []float64
}

func (b *bench) nodesTurns(ctx context.Context, db *pgtest.Cluster, nodes []*instance, kinds []*nodesKind, workers int) error {
	var sides []*nodesSide
	for n := range nodes {
		for _, k := range kinds {
			sides = append(sides, &nodesSide{nodesKind: k, n: float64(n + 1)})
		}
	}
	var raw []float64
	for round := range b.rounds + 1 {
		tps, err := pgbench(ctx, db, workers, b.slice)
		if err != nil {
			return err
		}
		if round > 0 { // the first round warms up
			raw = append(raw, tps)
		}
		for i := range sides {
			s := sides[(i+round)%len(sides)]
			done := func() {}
			if round == 1 && s.n == 1 {
				done = b.profile(nodes[0], fmt.Sprintf("postgres-%s-%d", s.name, workers))
			}
			r, err := b.load.run(job{Address: strings.Join(s.sites[:int(s.n)], ","), Path: returnPath, Returns: true, Workers: workers, Slice: b.slice, Want: string(okBody)})
			done()
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", s.name, err, nodes[0].said())
			}
			if round > 0 {
				s.rate, s.p99 = append(s.rate, r.rate()), append(s.p99, micros(r.P99)/1e3)
			}
		}
	}
	at := fmt.Sprintf(", concurrency %d", workers)
	b.info("pgbench, one insert a commit"+at, raw, "commits/s", "the same server, in turns")
	for _, s := range sides {
		allowed := make([]float64, len(raw))
		for i := range raw {
			allowed[i] = raw[i] / s.commits
		}
		b.info(fmt.Sprintf("payments on PostgreSQL, %.0f nodes, deliver %s%s", s.n, s.name, at), over(s.rate, allowed), "of what the commits allow",
			fmt.Sprintf("%.0f/s; p99 %.1f ms", median(s.rate), median(s.p99)))
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
