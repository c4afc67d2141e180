package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// counterSite tells what was committed.
const counterSite = "http://%s {\n\tbind 127.0.0.1\n\tbench_commits\n}\n"

// commits counts what one payment makes the store write.
func commits(ctx context.Context, b *bench) error {
	once, idem, counter := b.address(), b.address(), b.address()
	const track = "\n\t\ttrack /product/*"
	text := globals("bench_counted {dir}/ledger") +
		fmt.Sprintf(verifySite, local(once), track, "once") + fmt.Sprintf(verifySite, local(idem), track, "idempotent") +
		fmt.Sprintf(counterSite, local(counter))
	c, err := b.startCaddy(ctx, text)
	if err != nil {
		return err
	}
	defer c.stop()
	const n = 100
	for _, s := range []struct {
		what, site string
		track      bool
		budget     float64
	}{
		{"deliver idempotent", idem, false, 2},
		{"deliver once", once, false, 3},
		{"deliver idempotent, with a track", idem, true, 3},
		{"deliver once, with a track", once, true, 3},
	} {
		header := ""
		if s.track {
			cookie, err := landing(s.site)
			if err != nil {
				return err
			}
			header = "Cookie: " + cookie + "\r\n"
		}
		j := job{Address: s.site, Path: returnPath, Returns: true, Workers: 1, Count: n, Header: header, Want: string(okBody)}
		var before, after commitTotals
		trace := traceSyncs(ctx, c)
		err := getJSON("http://"+local(counter), &before)
		if err == nil {
			_, err = b.load.run(j)
		}
		syncs := trace()
		if err := errors.Join(err, getJSON("http://"+local(counter), &after)); err != nil {
			return err
		}
		note := fmt.Sprintf("and %.2f lazy ones that a power cut may take, %.1f reads",
			float64(after.Lazy-before.Lazy)/n, float64(after.Reads-before.Reads)/n)
		if syncs > 0 {
			note += fmt.Sprintf("; %.1f msync/fsync calls when payments come one by one", float64(syncs)/n)
		}
		b.atMost("synced commits a payment, "+s.what, []float64{float64(after.Synced-before.Synced) / n}, s.budget, "", note)
	}
	return nil
}

var syncCalls = regexp.MustCompile(`(?m)^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:msync|fsync|fdatasync)$`)

// traceSyncs counts with strace, if it is there and allowed, what Caddy asks of
// the disk.
func traceSyncs(ctx context.Context, c *instance) (count func() int) {
	program, err := exec.LookPath("strace")
	if err != nil {
		return func() int { return 0 }
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "-f", "-c", "-e", "trace=msync,fsync,fdatasync", "-p", strconv.Itoa(c.cmd.Process.Pid)) //nolint:gosec // strace
	cmd.Stderr = &out
	if cmd.Start() != nil {
		return func() int { return 0 }
	}
	time.Sleep(500 * time.Millisecond) // it attaches
	return func() int {
		time.Sleep(200 * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		total := 0
		for _, m := range syncCalls.FindAllStringSubmatch(out.String(), -1) {
			n, _ := strconv.Atoi(m[1])
			total += n
		}
		return total
	}
}

// storeRate takes the store's own benchmark, which runs Badger alone in turns
// with it.
func storeRate(ctx context.Context, b *bench) error {
	count, each := b.rounds, "2000x"
	if b.quick {
		count, each = 1, "200x"
	}
	const name = "BenchmarkCommit"
	found, err := goTest(ctx, module+"/storage/badger", name+"$", "-benchtime", each, "-count", strconv.Itoa(count), "-timeout", "30m")
	if err != nil {
		return err
	}
	for _, workers := range []int{1, 8, 64} {
		m := found[fmt.Sprintf("%s/goroutines=%d", name, workers)]
		if m == nil {
			return fmt.Errorf("no benchmark %s with %d goroutines", name, workers)
		}
		b.atLeast(fmt.Sprintf("synced commits, concurrency %d", workers), m["of_raw"], 0.8, "of raw Badger",
			fmt.Sprintf("%.0f and %.0f commits/s", median(m["commits/s"]), median(m["raw/s"])))
	}
	return nil
}
