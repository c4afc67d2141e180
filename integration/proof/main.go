// Command proof runs the release tier: what CI does a little of, it does at
// length, and prints a table of what was done and what was lost.
//
//	go run ./integration/proof                      everything, under two hours on two cores
//	go run ./integration/proof -only kills          what matches
//	go run ./integration/proof -kills 300 -fuzz 5s  less of it
//	go run ./integration/proof -list                what there is
//
// Two things are done at a time: one that starts and kills processes, and one
// that computes. Some of it mounts small disks and is left out where that is not
// allowed; the log says so.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	a := amounts{}
	flag.IntVar(&a.kills, "kills", 10_000, "kill -9 at random moments")
	flag.IntVar(&a.rounds, "rounds", 15, "rounds of every crash point, with and without the customer's return, for two kinds of shops")
	flag.IntVar(&a.reloads, "reloads", 1000, "reloads at 500 requests a second")
	flag.IntVar(&a.fills, "fills", 100, "full disks")
	flag.IntVar(&a.stops, "stops", 200, "stops under load")
	flag.IntVar(&a.seeds, "seeds", 300_000, "simulated worlds")
	flag.IntVar(&a.walks, "walks", 5000, "walks through each small world that is too large to be walked through")
	flag.IntVar(&a.histories, "histories", 1000, "histories of each ledger that porcupine checks")
	flag.IntVar(&a.flips, "flips", 5000, "flipped bits in the ledger's files, and torn logs")
	flag.StringVar(&a.fuzz, "fuzz", "1m", "time for each fuzz target")
	only := flag.String("only", ".", "run the items whose name matches")
	list := flag.Bool("list", false, "say what there is and run nothing")
	logs := flag.String("logs", "", "directory for the logs (default: a temporary one)")
	flag.Parse()
	match, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	var items []*item
	for _, it := range a.items() {
		if match.MatchString(it.name) {
			items = append(items, it)
		}
	}
	if *list {
		for _, it := range items {
			fmt.Printf("%-12s %s\n", it.name, it)
		}
		return nil
	}
	if len(items) == 0 {
		return fmt.Errorf("nothing matches %q", *only)
	}
	if *logs == "" {
		if *logs, err = os.MkdirTemp("", "proof-"); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := build(ctx, *logs); err != nil {
		return err
	}
	return prove(ctx, items, *logs)
}

// prove runs the items, those that start processes beside those that compute.
func prove(ctx context.Context, items []*item, logs string) error {
	begin, tree := time.Now(), commit(ctx)
	done := make(chan struct{})
	var lanes sync.WaitGroup
	for _, processes := range []bool{true, false} {
		lanes.Go(func() {
			for _, it := range items {
				if it.processes == processes {
					it.run(ctx, filepath.Join(logs, it.name+".log"))
				}
			}
		})
	}
	go func() {
		lanes.Wait()
		close(done)
	}()
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-tick.C:
			progress(items, time.Since(begin))
		}
	}
	fmt.Printf("\n%s, %s, on %s\n\n", time.Now().UTC().Format(time.DateOnly), tree, machine())
	failed := table(os.Stdout, items)
	fmt.Printf("\nIn all %s. Logs: %s\n", time.Since(begin).Round(time.Second), logs)
	if failed > 0 {
		return fmt.Errorf("%d of %d items failed", failed, len(items))
	}
	return nil
}
