package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"time"
)

func main() {
	match := flag.String("match", "", "only mutants whose name or rules match this `pattern`")
	list := flag.Bool("list", false, "list them and stop")
	quick := flag.Bool("quick", false, "leave out those that need Caddy as a process of its own")
	trust := flag.Bool("trust", false, "do not run the suites without any bug first: they are known to pass")
	jobs := flag.Int("jobs", 2, "how many at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *match, *list, *quick, *trust, *jobs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, match string, list, quick, trust bool, jobs int) error {
	want, err := regexp.Compile(match)
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	var chosen []Mutant
	for _, m := range mutants() {
		if want.MatchString(m.Name+" "+m.Rules) && !(quick && m.process()) {
			chosen = append(chosen, m)
		}
	}
	if list {
		for _, m := range chosen {
			fmt.Printf("%-34s %-10s %s\n", m.Name, m.Rules, m.Why)
		}
		return nil
	}
	// A suite that fails by itself would seem to notice everything.
	if !trust {
		if err := baseline(ctx, root, chosen); err != nil {
			return err
		}
	}
	return report(all(ctx, root, chosen, jobs))
}

func (m Mutant) process() bool {
	for _, s := range m.By {
		if s.Process {
			return true
		}
	}
	return false
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	return strings.TrimSpace(string(out)), err
}

// baseline runs each suite once without any bug.
func baseline(ctx context.Context, root string, chosen []Mutant) error {
	begin := time.Now()
	seen := make(map[Suite]bool)
	for _, m := range chosen {
		for _, s := range m.By {
			if seen[s] {
				continue
			}
			seen[s] = true
			out, err := command(ctx, root, nil, s.args()...)
			if by, err := read(out, err); by != "" || err != nil {
				return fmt.Errorf("without any bug, ./%s -run %q fails: %s %w\n%s", s.Dir, s.Run, by, err, out)
			}
		}
	}
	fmt.Printf("%d mutants; their %d suites pass without them (%.0f s)\n\n", len(chosen), len(seen), time.Since(begin).Seconds())
	return nil
}

// all tries the mutants, some at a time, and tells of each as it is done.
func all(ctx context.Context, root string, chosen []Mutant, jobs int) []verdict {
	verdicts := make([]verdict, len(chosen))
	next := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range max(jobs, 1) {
		workers.Go(func() {
			for i := range next {
				verdicts[i] = try(ctx, root, chosen[i])
				mu.Lock()
				done++
				fmt.Printf("[%d/%d] %-34s %s (%.0f s)\n", done, len(chosen), chosen[i].Name, verdicts[i].word(), verdicts[i].took.Seconds())
				mu.Unlock()
			}
		})
	}
	for i := range chosen {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return verdicts
}

func (v verdict) word() string {
	switch {
	case v.err != nil:
		return "ERROR: " + v.err.Error()
	case v.by == "":
		return "SURVIVED"
	}
	return "caught by " + v.by
}

// report prints the table and fails if a bug went unnoticed.
func report(verdicts []verdict) error {
	fmt.Print("\n| mutant | breaks | caught by | seconds |\n|---|---|---|---|\n")
	var bad []string
	for _, v := range verdicts {
		by := "`" + v.by + "`"
		if v.by == "" || v.err != nil {
			by = "**nobody**"
			bad = append(bad, v.mutant.Name+": "+v.word()+"\n   "+v.mutant.Why)
		}
		fmt.Printf("| %s | %s | %s | %.1f |\n", v.mutant.Name, v.mutant.Rules, by, v.took.Seconds())
	}
	if len(bad) > 0 {
		return fmt.Errorf("\n%d of %d mutants survived or failed:\n%s", len(bad), len(verdicts), strings.Join(bad, "\n"))
	}
	fmt.Printf("\nAll %d mutants were caught.\n", len(verdicts))
	return nil
}
