package simulation

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// `when_down forward`: a ledger that records nothing for a while, during which the shop's
// calls go straight through, marked in a file of their node, which a crash leaves as it
// is. What is marked is read in when the ledger records again.

// forwarding is what worlds of such shops have besides.
type forwarding struct {
	dir string
	// blind: while the ledger is away it can't be read either.
	blind bool
	// calls are how many passed.
	calls int
}

// newForwardWorld draws a world of plugins behind a relay that forwards. It has one node,
// over either store: docs/relay.md asks for that, because a node doesn't know the file of
// another.
func newForwardWorld(seed uint64, lim limits, h *hits) *world {
	w := newPluginWorld(seed, lim, h)
	l := newLot(seed, 5)
	dir, err := os.MkdirTemp("", "forwarded")
	if err != nil {
		panic(err)
	}
	w.plugin.forward = &forwarding{dir: dir, blind: l.chance(0.5)}
	w.plan.on[ledgerAway] = []float64{0.05, 0.2, 0.5}[l.IntN(3)]
	w.plan.most = max(w.plan.most, 2)
	w.nodes = w.nodes[:1]
	// A ledger that was lost or put back has worlds of its own.
	w.plan.on[ledgerLost], w.plan.on[backupRestored] = 0, 0
	return w
}

// log is the file of a process's node. Each life has a name of its own for it, because
// the program's memory of it ends with the process.
func (f *forwarding) log(n *node) *forwarded.Log {
	name := func(life int) string { return filepath.Join(f.dir, n.name+"-"+itoa(life)+".jsonl") }
	for _, ending := range []string{"", ".reading"} {
		_ = os.Rename(name(n.lives-1)+ending, name(n.lives)+ending)
	}
	return forwarded.At(name(n.lives))
}

// away makes a node's ledger record nothing for a while.
func (w *world) away(p *process) {
	p.away = true
	until := w.now.Add(w.lot.between(time.Second, 2*time.Minute))
	w.troubled(until)
	w.at(until, func() { p.back() })
}

// back ends that. The worker looks a few seconds later.
func (p *process) back() {
	if p.away = false; p.dead {
		return
	}
	p.readsIn()
}

// readsIn is the worker's look for what is to be read in, which is no record's due time.
func (p *process) readsIn() {
	w := p.w
	if w.plugin == nil || w.plugin.forward == nil || p.looks {
		return
	}
	p.looks = true
	w.in(w.lot.between(100*time.Millisecond, 5*time.Second), func() {
		p.looks = false
		if p.dead || p.away || !p.log.Any() {
			return
		}
		for _, t := range p.ticks {
			select {
			case t.ch <- w.now:
			default:
			}
		}
		p.ticks = nil // each is told once; whoever listens makes another
		p.again()
	})
}

// again looks once more, until nothing is left.
func (p *process) again() {
	p.w.in(30*time.Second, func() {
		if !p.dead {
			p.readsIn()
		}
	})
}

// mortal is the provider as a process speaks to it in a call that passes: once it is dead it
// marks nothing more.
type mortal struct{ relayed }

// ForwardCall implements [payment.Relayer].
func (m mortal) ForwardCall(ctx context.Context, c payment.RelayCall) payment.RelayReply {
	r := m.pass(ctx, c)
	m.p.orEnd()
	return r
}

// orEnd ends a goroutine of a process that is dead.
func (p *process) orEnd() {
	if p.dead {
		runtime.Goexit()
	}
}

// pass lets a call of the shop's through.
func (s *plugin) pass(ctx context.Context, who string, p *process, c engine.Relay, made *payment.RelayReply) {
	p.orEnd()
	s.w.hands(who+"@"+p.name, "passes unrecorded", 0, func() { s.forward.calls++ })
	p.orEnd()
	say := c.Say
	c.Say = func(r payment.RelayReply) bool {
		whole := say(r)
		p.orEnd()
		return whole
	}
	err := engine.PassThrough(ctx, mortal{relayed{&bankPort{s.w.bank, p, theOnly}}}, p.log, c, made)
	if err != nil && !errors.Is(err, engine.ErrCrossed) {
		s.w.fail("a call that passes is not marked: %v", err)
	}
	s.w.hands(who+"@"+p.name, "ends", 0, p.readsIn) // the ledger may be back already
}

// TestPluginsForward lives worlds of plugins whose calls are forwarded while the ledger is
// away: nothing is credited twice, and nothing is lost.
func TestPluginsForward(t *testing.T) {
	livePlugins(t, "TestPluginsForward", newForwardWorld, 300)
}
