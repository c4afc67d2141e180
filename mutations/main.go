package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// choice is what the flags say.
type choice struct {
	match, only               string
	list, quick, trust, every bool
	named                     bool
	jobs                      int
}

func main() {
	var c choice
	flag.StringVar(&c.match, "match", "", "only mutants whose name or rules match this `pattern`")
	flag.StringVar(&c.only, "only", "", "only suites of packages that match this `pattern`: what do they notice by themselves?")
	flag.BoolVar(&c.every, "every", false, "run each suite of a mutant, not only until one notices")
	flag.BoolVar(&c.list, "list", false, "list them and stop")
	flag.BoolVar(&c.named, "named", false, "only the few that are tried with every change")
	flag.BoolVar(&c.quick, "quick", false, "leave out those that need Caddy as a process of its own")
	flag.BoolVar(&c.trust, "trust", false, "do not run the suites without any bug first: they are known to pass")
	flag.IntVar(&c.jobs, "jobs", 2, "how many at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c choice) error {
	chosen, err := c.mutants()
	if err != nil {
		return err
	}
	if c.list {
		for _, m := range chosen {
			fmt.Printf("%-34s %-10s %s\n", m.Name, m.Rules, m.Why)
		}
		return nil
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	// A suite that fails by itself would seem to notice everything.
	if !c.trust {
		if err := baseline(ctx, root, chosen); err != nil {
			return err
		}
	}
	begin := time.Now()
	verdicts := all(ctx, root, chosen, c)
	fmt.Printf("\n%d mutants in %.0f s\n", len(verdicts), time.Since(begin).Seconds())
	return report(verdicts)
}

// mutants are those that the flags choose.
func (c choice) mutants() ([]Mutant, error) {
	want, err := regexp.Compile(c.match)
	if err != nil {
		return nil, err
	}
	suites, err := regexp.Compile(c.only)
	if err != nil {
		return nil, err
	}
	few := named()
	var chosen []Mutant
	for _, m := range mutants() {
		m.By = slices.DeleteFunc(slices.Clone(m.By), func(s Suite) bool {
			return !suites.MatchString(s.Dir) || c.quick && s.Process
		})
		if c.named && !slices.Contains(few, m.Name) {
			continue
		}
		if want.MatchString(m.Name+" "+m.Rules) && len(m.By) > 0 {
			chosen = append(chosen, m)
		}
	}
	return chosen, nil
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
			out, err := command(ctx, root, nil, s.args(root)...)
			if by, err := read(out, err); by != "" || err != nil {
				return fmt.Errorf("without any bug, ./%s -run %q fails: %s %w\n%s", s.Dir, s.Run, by, err, out)
			}
		}
	}
	fmt.Printf("%d mutants; their %d suites pass without them (%.0f s)\n\n", len(chosen), len(seen), time.Since(begin).Seconds())
	return nil
}

// all tries the mutants, some at a time, and tells of each as it is done.
func all(ctx context.Context, root string, chosen []Mutant, c choice) []verdict {
	verdicts := make([]verdict, len(chosen))
	for i, m := range chosen {
		verdicts[i] = verdict{mutant: m, err: errNotTried}
	}
	next := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range max(c.jobs, 1) {
		workers.Go(func() {
			for i := range next {
				verdicts[i] = try(ctx, root, chosen[i], c.every)
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

// errNotTried is what an interrupted run leaves of the rest.
var errNotTried = errors.New("not tried")

func (v verdict) word() string {
	switch {
	case v.err != nil:
		return "ERROR: " + v.err.Error()
	case len(v.by) == 0:
		return "SURVIVED"
	}
	return "caught by " + v.names()
}

func (v verdict) names() string {
	names := make([]string, 0, len(v.by))
	for _, c := range v.by {
		names = append(names, c.String())
	}
	return strings.Join(names, ", ")
}

// report prints the table and fails if a bug went unnoticed.
func report(verdicts []verdict) error {
	fmt.Print("\n| mutant | breaks | caught by | seconds |\n|---|---|---|---|\n")
	var bad []string
	suites := make(map[string]int)
	for _, v := range verdicts {
		by := "**nobody**"
		if v.err != nil || len(v.by) == 0 {
			bad = append(bad, v.mutant.Name+": "+v.word()+"\n   "+v.mutant.Why)
		} else {
			by = "`" + v.names() + "`"
		}
		for _, c := range v.by {
			suites[c.dir]++
		}
		fmt.Printf("| %s | %s | %s | %.1f |\n", v.mutant.Name, v.mutant.Rules, by, v.took.Seconds())
	}
	fmt.Print("\ncaught by:")
	for _, dir := range slices.Sorted(maps.Keys(suites)) {
		fmt.Printf(" %s %d", dir, suites[dir])
	}
	fmt.Println()
	if len(bad) > 0 {
		return fmt.Errorf("\n%d of %d mutants survived or failed:\n%s", len(bad), len(verdicts), strings.Join(bad, "\n"))
	}
	fmt.Printf("All %d mutants were caught.\n", len(verdicts))
	return nil
}
