// Command bench measures what the module costs and how fast it is, always side
// by side with the same Caddy without it, in one run, in turns. It prints a
// table of what was measured beside its budget; it is no test and never fails
// over a number. README.md explains each line.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments"
)

// sections are the parts of a run, in their order.
var sections = []struct {
	name string
	run  func(context.Context, *bench) error
}{
	{"bystander", bystanders},
	{"tracked", tracked},
	{"commits", commits},
	{"relay", relayed},
	{"payments", throughput},
	{"slow", slowProvider},
	{"store", storeRate},
	{"storm", storm},
	{"strangers", strangers},
	{"crowd", crowds},
	{"nodes", nodesRate},
	{"lookups", nodesLookups},
	{"memory", memory},
}

func main() {
	if len(os.Args) > 1 {
		if role, ok := roles[os.Args[1]]; ok {
			os.Args = os.Args[1:]
			go outlive()
			role()
			return
		}
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// roles are what this program is when it starts itself: the load, the provider
// and the shop get processes of their own, and Caddy is built of the same
// packages as cmd/caddy.
var roles = map[string]func(){
	"caddy":    caddycmd.Main,
	"load":     loadRole,
	"provider": providerRole,
	"shop":     shopRole,
}

// outlive ends a child whose parent is gone.
func outlive() {
	_, _ = io.Copy(io.Discard, parentPipe())
	os.Exit(1)
}

func run() error {
	var b bench
	var only, out string
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.name
	}
	flag.StringVar(&only, "only", "", "comma-separated sections: "+strings.Join(names, ", "))
	flag.StringVar(&out, "json", "", "also write the results as JSON to this file (- is stdout, instead of the table)")
	flag.StringVar(&b.parent, "dir", "", "where the temporary directory is made: the disk that is measured (default: $TMPDIR)")
	flag.IntVar(&b.rounds, "rounds", 7, "how often each pair takes turns; medians are printed")
	flag.DurationVar(&b.slice, "slice", 2*time.Second, "how long one turn is")
	flag.StringVar(&b.profiles, "profiles", "", "write a CPU profile of Caddy under each load into this directory (slows it a little)")
	flag.StringVar(&b.against, "against", "", "another build of this command, whose Caddy takes turns in the sections slow and strangers: what a change costs or saves")
	flag.IntVar(&b.customers, "customers", 0, "only this number of customers at once in section slow: 64 or 512 (default: both)")
	flag.BoolVar(&b.quick, "quick", false, "two short rounds, to see that everything works; the numbers mean little")
	flag.Parse()
	if b.quick {
		b.rounds, b.slice = 2, 400*time.Millisecond
	}
	wanted := strings.Split(only, ",")
	for _, w := range wanted {
		if only != "" && !slices.Contains(names, w) {
			return fmt.Errorf("there is no section %q, only %s", w, strings.Join(names, ", "))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := b.open(ctx); err != nil {
		return err
	}
	defer b.close()
	for _, s := range sections {
		if only != "" && !slices.Contains(wanted, s.name) {
			continue
		}
		b.section = s.name
		fmt.Fprintf(os.Stderr, "-- %s\n", s.name)
		if err := s.run(ctx, &b); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			b.fail(err)
		}
	}
	b.machine.LoadAfter = loadAverage()
	return b.print(out)
}

func (b *bench) print(out string) error {
	if out != "-" {
		b.table(os.Stdout)
	}
	if out == "" {
		return nil
	}
	w := os.Stdout
	if out != "-" {
		f, err := os.Create(out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = f
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Machine machine `json:"machine"`
		Rows    []row   `json:"rows"`
	}{b.machine, b.rows})
}
