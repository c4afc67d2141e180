package admin

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command has a short and a long description, and an example that it takes itself; every
// flag says what it is for.
func TestEveryCommandIsExplained(t *testing.T) {
	var b bytes.Buffer
	cmd, _, err := tree(&cli{in: &b, out: &b, err: &b}).Find([]string{"payments"})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if strings.TrimSpace(f.Usage) == "" {
				t.Errorf("%s: the flag --%s says nothing", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			seen++
			if sub.Short == "" || sub.Long == "" || sub.Example == "" {
				t.Errorf("%s: short %q, long %q, example %q", sub.CommandPath(), sub.Short, sub.Long, sub.Example)
			}
			for line := range strings.Lines(sub.Example) {
				words := strings.Fields(line)
				found, rest, err := cmd.Root().Find(words[1:])
				if err != nil || found != sub {
					t.Errorf("%q is an example of %v (%v)", line, found, err)
					continue
				}
				for _, w := range rest {
					if name, ok := strings.CutPrefix(w, "--"); ok && sub.Flag(name) == nil {
						t.Errorf("%q: there is no flag %s", line, w)
					}
				}
			}
			walk(sub)
		}
	}
	walk(cmd)
	if seen != len(examples) {
		t.Errorf("%d commands, %d examples", seen, len(examples))
	}
}
