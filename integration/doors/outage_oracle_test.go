package doors

import (
	"slices"
	"strings"
	"testing"
)

// outOfOrder is the world in which the ledger is out of order between two steps.
func (p *plan) outOfOrder(how string, from, until int) *plan {
	p.Steps = slices.Insert(p.Steps, until, step{Do: "ledger"})
	p.Steps = slices.Insert(p.Steps, from, step{Do: "ledger", How: how})
	return p
}

// Whatever is wrong with the ledger, and from wherever on: no world of honest customers and
// of plugins has a fault.
func TestOutages(t *testing.T) {
	forward := func() *plan {
		p := relayedShops()
		for i := range p.Blocks {
			p.Blocks[i].Plugin.Forward = true
		}
		return p
	}
	for name, world := range map[string]func() *plan{"honest": honest, "relayed": relayedShops, "forwarded": forward, "bare": bareShops} {
		for _, how := range outages {
			t.Run(name+" "+how, func(t *testing.T) {
				most := len(world().Steps)
				for _, from := range []int{0, 1, 1 + most/2} {
					if w := live(world().outOfOrder(how, from, min(from+5, most))); len(w.faults) > 0 {
						t.Fatalf("from step %d: %s: %s\n%s", from, w.faults[0].Kind, w.faults[0].Text, strings.Join(w.lines, "\n"))
					}
				}
			})
		}
	}
}

// The oracle speaks of each fault of a ledger that says it has recorded what it hasn't.
func TestOutageOracle(t *testing.T) {
	shorten(t)
	for name, c := range map[string]struct {
		world *plan
		from  int
		want  string
	}{
		"a customer is sent to pay":       {honest(), 0, "unremembered"},
		"a plugin's customer is sent":     {relayedShops(), 0, "unremembered"},
		"a gateway is asked":              {honest(), 1, "asked-unrecorded"},
		"a customer of ours is sent away": {honest(), 4, "unremembered"},
	} {
		t.Run(name, func(t *testing.T) {
			w := live(c.world.outOfOrder("lies", c.from, len(c.world.Steps)))
			if len(w.faults) == 0 || w.faults[0].Kind != c.want {
				t.Errorf("it says %v, want %s\n%s", w.faults, c.want, strings.Join(w.lines, "\n"))
			}
		})
	}
}
