package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// node is a machine that runs one process after another.
type node struct {
	w    *world
	name string
	// skew is how far its clock is from the truth.
	skew  time.Duration
	lives int
	// now is the running process; nil while there is none.
	now *process
}

// process is one life of a node: the real engine between simulated ports. Once
// it is dead nothing that its goroutines still do has any effect.
type process struct {
	w      *world
	node   *node
	name   string
	dead   bool
	broken error
	// away: the ledger records nothing; log has what passes meanwhile.
	away bool
	// looks: it is about to see whether there is something to be read in.
	looks bool
	log   *forwarded.Log
	// paused is until when it stands still; stood: it has, once.
	paused time.Time
	stood  bool
	calls  []*call
	shared *engine.Shared
	store  *store
	// eng is the running configuration's; stop ends the workers of all.
	eng   *engine.Engine
	lives int
	stop  []context.CancelFunc
	ticks []*tick
	// timers are the waits that a crash must end.
	timers []chan time.Time
}

// tick is a worker's wait for its next look.
type tick struct {
	every time.Duration
	ch    chan time.Time
	since time.Time
	slack time.Duration
}

// tickBase is far longer than anything is left undone: the workers' looks at
// an empty list of due work are left out of the simulation. See [process.After].
const tickBase = 1000 * time.Hour

// start brings a node up.
func (n *node) start() {
	n.lives++
	p := &process{w: n.w, node: n, name: fmt.Sprintf("%s.%d", n.name, n.lives), shared: engine.NewShared()}
	p.store = &store{p: p}
	n.now = p
	if n.w.plugin != nil && n.w.plugin.forward != nil {
		p.log = n.w.plugin.forward.log(n)
	}
	n.w.note("%s starts", p.name)
	if !n.w.plan.joined {
		n.w.ledger.tail = nil // opening an embedded store makes durable what it finds
	}
	if r := n.w.ledger.real; r != nil {
		r.reopen()
	}
	p.configure()
	p.readsIn()
}

// configure runs a new engine, as a reload does: over the same store and what
// is shared, while the old one ends what it has begun.
func (p *process) configure() {
	old := p.eng
	p.lives++
	w := p.w
	e, err := engine.New(context.Background(), engine.Config{
		Store: p.store, Sites: w.sites(p), Observer: p, Clock: p, Shared: p.shared, Rand: w.jitter,
		Tick:       tickBase + time.Duration(p.lives),
		Providers:  w.providers(p),
		Affiliates: w.network.ports(p), Forwarded: p.log, Forwards: func() bool { return p.log != nil },
	})
	if err != nil {
		w.fail("starting %s: %v", p.name, err)
		return
	}
	p.eng = e
	ctx, cancel := context.WithCancel(as(context.Background(), fmt.Sprintf("%s/worker%d", p.name, p.lives)))
	for _, stop := range p.stop {
		stop()
	}
	p.stop = append(p.stop, cancel)
	go e.Run(ctx)
	if old != nil {
		go func() { _ = old.Close(context.Background()) }()
	}
}

// sites are those of a process.
func (w *world) sites(p *process) engine.Sites {
	if w.plugin != nil {
		return &pluginSites{&sites{p: p}}
	}
	return &sites{p: p}
}

// crash ends a process at once.
func (p *process) crash() {
	if p.dead {
		return
	}
	p.dead = true
	if p.node.now == p {
		p.node.now = nil
	}
	for _, stop := range p.stop {
		stop()
	}
	for _, c := range p.calls {
		if !c.over {
			c.over, c.lost = true, true
			close(c.wake)
		}
	}
	for _, ch := range p.timers {
		select {
		case ch <- p.w.now:
		default:
		}
	}
	for _, t := range p.ticks {
		select {
		case t.ch <- p.w.now:
		default:
		}
	}
	p.calls, p.timers, p.ticks = nil, nil, nil
	if p.w.walk != nil {
		p.w.walk.forgetPast(p)
	}
	p.w.settle() // until they have run out
	p.w.seen()
	p.w.died()
}

// do is a port: it waits until the conductor has let fire happen. It reports
// false if the process died first.
func (p *process) do(ctx context.Context, what string, at pace, fire func(*call)) bool {
	c := &call{p: p, who: actorOf(ctx), what: what, pace: at, fire: fire, wake: make(chan struct{})}
	w := p.w
	w.mu.Lock()
	if p.dead {
		w.mu.Unlock()
		return false
	}
	w.arrived = append(w.arrived, c)
	w.mu.Unlock()
	<-c.wake
	defer w.seen()
	return !c.lost
}

// Now implements [engine.Clock].
func (p *process) Now() time.Time {
	defer p.w.seen()
	return p.w.now.Add(p.node.skew)
}

// After implements [engine.Clock]. A worker's wait ends when something has
// become due and its next look would have come: the looks in between would have
// found nothing.
func (p *process) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case p.dead:
		ch <- w.now
	case d > tickBase:
		w.waiting = append(w.waiting, wait{p, d, ch})
	default:
		w.waiting = append(w.waiting, wait{p, d, ch})
		p.timers = append(p.timers, ch)
	}
	return ch
}

// wait is a call of After that the conductor has not seen yet.
type wait struct {
	p  *process
	d  time.Duration
	ch chan time.Time
}

// register takes a new wait over.
func (w *world) register(x wait) {
	p := x.p
	if p.dead {
		return
	}
	if x.d <= tickBase {
		w.enqueue(event{at: w.now.Add(x.d), who: "timer of " + p.name, what: "of " + x.d.String(), run: func() {
			if p.dead {
				return
			}
			w.at(later(w.now, p.paused), func() {
				select {
				case x.ch <- w.now:
				default:
				}
			})
		}})
		return
	}
	if w.walk != nil {
		w.walk.atRest(p, int(x.d-tickBase))
	}
	t := &tick{every: x.d, ch: x.ch, since: w.now, slack: w.lot.between(50*time.Millisecond, time.Second)}
	for i, old := range p.ticks {
		if old.every == x.d {
			p.ticks[i] = t
			return
		}
	}
	p.ticks = append(p.ticks, t)
}

// look is when a worker of p would next find something to do; zero is never.
func (p *process) look(t *tick) time.Time {
	due := p.w.ledger.next()
	if due.IsZero() {
		return time.Time{}
	}
	return later(later(due.Add(-p.node.skew), t.since).Add(t.slack), p.paused)
}

// Observe implements [engine.Observer].
func (p *process) Observe(e engine.Event) {
	w := p.w
	defer w.seen()
	if p.dead {
		return
	}
	w.mu.Lock()
	if e.Alert && e.Record != nil {
		w.alerts[e.Record.Ref] = append(w.alerts[e.Record.Ref], e.Name)
	}
	w.mu.Unlock()
	if w.trace != nil {
		about, mark := "", ""
		if e.Record != nil {
			about = " " + w.label(e.Record.Ref) + " " + string(e.Record.State)
			if e.Record.Reason != "" {
				about += " (" + string(e.Record.Reason) + ")"
			}
		}
		if e.Alert {
			mark = " !"
		}
		w.hear("%s says %s%s%s", p.name, e.Name, about, mark)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Interface guards.
var (
	_ engine.Clock    = (*process)(nil)
	_ engine.Observer = (*process)(nil)
	_ payment.Store   = (*store)(nil)
)
