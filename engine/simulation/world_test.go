package simulation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

func itoa(n int) string { return strconv.Itoa(n) }

// world is everything: the nodes with their real engines, and around them what
// is simulated.
type world struct {
	conductor
	seed    uint64
	plan    plan
	lot     lot // what happens
	fate    lot // what goes wrong
	ledger  *ledger
	bank    *bank
	shop    *shop
	plugin  *plugin // nil where payments are verified by us
	network *network
	nodes   []*node
	names   map[payment.Ref]string
	waiting []wait
	free    []*call // of customers
	ended   bool

	full, routeless, healed bool
	skewed                  bool // a clock was wrong, once
	// alerts are the names of the alerting events, by payment.
	alerts map[payment.Ref][]string
	// backup is what backupRestored puts back.
	backup *ledger

	// drop are the ordinals of faults that must not strike (shrinking); struck
	// are those that did.
	drop   map[int]bool
	struck []strike
	trial  int
	// canary and crashes are for the test of shrinking.
	canary  bool
	crashes int
	hits    *hits
	watch   watch
	// trouble is the end of what last went wrong.
	trouble time.Time
}

// strike is one fault that struck.
type strike struct {
	n    int
	kind fault
	at   time.Duration
}

// strikes says whether a fault strikes here and now.
func (w *world) strikes(f fault) bool {
	if w.walk != nil {
		return w.walk.strikes(w, f) && w.happens(f)
	}
	p := w.plan.on[f]
	if p == 0 || w.healed || w.wrong != nil || len(w.struck) >= w.plan.most || !w.fate.chance(p) {
		return false
	}
	return w.happens(f)
}

// happens notes a fault that is to strike, unless it is left out.
func (w *world) happens(f fault) bool {
	w.trial++
	if w.drop[w.trial] {
		return false
	}
	w.struck = append(w.struck, strike{w.trial, f, w.now.Sub(w.began)})
	w.hits.faults[f]++
	w.troubled(w.now)
	w.note("* %s", f)
	return true
}

// troubled remembers until when something is wrong.
func (w *world) troubled(until time.Time) { w.trouble = later(w.trouble, until) }

// jitter is a number in [0,1) that depends on nothing but seed and time, so
// that it does not matter who asks first.
func (w *world) jitter() float64 {
	defer w.seen()
	x := (uint64(w.now.UnixNano()) ^ w.seed) * 0x9e3779b97f4a7c15
	return float64(x>>11) / (1 << 53)
}

func (w *world) label(ref payment.Ref) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n, ok := w.names[ref]; ok {
		return n
	}
	return string(ref[:min(6, len(ref))])
}

func (w *world) name(ref payment.Ref, label string) payment.Ref {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.names[ref] == "" {
		w.names[ref] = label
	}
	return ref
}

// run lets things happen until there is nothing left to happen before limit, or
// something was violated.
func (w *world) run(limit time.Time) {
	for {
		w.settle()
		for _, c := range w.take() {
			if c.p != nil {
				if len(c.p.calls) > 64 {
					c.p.calls = slices.DeleteFunc(c.p.calls, func(x *call) bool { return x.over })
				}
				c.p.calls = append(c.p.calls, c)
				if c.twin != nil {
					c.p.calls = append(c.p.calls, c.twin)
				}
			} else {
				w.free = append(slices.DeleteFunc(w.free, func(x *call) bool { return x.over }), c)
			}
			w.enqueue(event{at: w.now.Add(w.lot.takes(c.pace) + c.wait), run: func() { w.fire(c) }, who: c.who, what: c.what, step: c.step()})
		}
		slices.SortStableFunc(w.waiting, func(a, b wait) int {
			if n := strings.Compare(a.p.name, b.p.name); n != 0 {
				return n
			}
			return int(a.d - b.d)
		})
		for _, x := range w.waiting {
			w.register(x)
		}
		w.waiting = w.waiting[:0]
		if w.failed() != nil {
			return
		}
		if w.steps++; w.steps > mostSteps {
			w.fail("no end after %d steps", mostSteps)
			return
		}
		if w.walk != nil && w.walk.on {
			if !w.step(limit) {
				return
			}
			continue
		}
		at, p, t := w.nextLook()
		if t != nil && !at.After(limit) && (len(w.queue) == 0 || at.Before(w.queue[0].at)) {
			w.pass(later(at, w.now))
			p.ticks = slices.DeleteFunc(p.ticks, func(x *tick) bool { return x == t })
			t.ch <- w.now
			continue
		}
		e, ok := w.next(limit)
		if !ok {
			return
		}
		w.pass(e.at)
		e.run()
	}
}

const mostSteps = 60_000

// nextLook is the worker whose next look comes first.
func (w *world) nextLook() (at time.Time, whose *process, which *tick) {
	for _, n := range w.nodes {
		p := n.now
		if p == nil {
			continue
		}
		for _, t := range p.ticks {
			if look := p.look(t); !look.IsZero() && (which == nil || look.Before(at)) {
				at, whose, which = look, p, t
			}
		}
	}
	return at, whose, which
}

// fire lets a call happen.
func (w *world) fire(c *call) {
	p := c.p
	if c.over {
		return
	}
	if p == nil {
		c.fire(c)
		w.wake(c)
		return
	}
	if p.paused.After(w.now) {
		w.at(p.paused, func() { w.fire(c) })
		return
	}
	w.note("%s: %s", c.who, c.what)
	effect := w.walk == nil || c.effect()
	if effect && w.strikes(crashBefore) {
		w.kill(p, false)
		return
	}
	c.fire(c)
	if c.twin != nil {
		c.twin.fire(c.twin)
		w.wake(c.twin)
	}
	if effect && !c.over && w.strikes(crashAfter) {
		w.kill(p, false)
		return
	}
	if effect && !c.over && w.strikes(powerCut) {
		w.powerCut(p)
		return
	}
	if !c.held {
		w.wake(c)
	}
}

// wake lets the caller go on, unless it stands still.
func (w *world) wake(c *call) {
	if c.over {
		return
	}
	if c.p != nil && c.p.paused.After(w.now) {
		w.at(c.p.paused, func() { w.wake(c) })
		return
	}
	c.over = true
	close(c.wake)
}

// kill ends a process; its node comes back after a while.
func (w *world) kill(p *process, loses bool) {
	if p.dead {
		return
	}
	w.note("%s is killed", p.name)
	p.crash()
	if w.crashes++; w.canary && w.crashes == 3 {
		w.fail("canary: the third crash")
	}
	if loses {
		w.lose()
	}
	w.in(w.lot.among(100*time.Millisecond, 20*time.Second, restarts()), func() {
		if p.node.now == nil {
			p.node.start()
		}
	})
}

func (w *world) died() { w.troubled(w.now.Add(20 * time.Second)) }

// lose takes back part of what was not synced. A real disk beside it does not do that
// for a test.
func (w *world) lose() {
	if w.ledger.real != nil {
		return
	}
	if n := len(w.ledger.tail); n > 0 {
		lost := 1 + w.lot.IntN(n)
		w.note("the last %d of %d changes that were not synced are lost", lost, n)
		if w.plugin != nil {
			w.plugin.forgets(w.ledger, lost)
		}
		w.ledger.cut(lost)
		w.watch.rolledBack(w)
	}
}

// powerCut ends everything on the machine of the store.
func (w *world) powerCut(p *process) {
	w.note("power cut")
	if w.plan.joined {
		w.lose()
		w.kill(p, false)
		return
	}
	w.kill(p, true)
}

// fill lets the store have no room for a while.
func (w *world) fill() {
	until := w.now.Add(w.lot.between(time.Second, 3*time.Minute))
	w.full = true
	w.troubled(until)
	w.at(until, func() { w.full = false })
}

// touch is somebody else's write to a record: a buyer opens the paid page.
func (w *world) touch(ref payment.Ref) {
	if old := w.ledger.records[ref]; old != nil {
		r := old.Clone()
		r.Devices = append(r.Devices, payment.Device{Hash: "device" + itoa(len(r.Devices)), At: w.now})
		_ = w.ledger.commit(payment.Change{Record: r, Lazy: true})
	}
}

// apply writes a change and looks at it. unsynced: it never reached the disk,
// whatever was asked for.
func (w *world) apply(p *process, c payment.Change, unsynced bool) error {
	old, lazy := w.ledger.records[c.Record.Ref], c.Lazy
	c.Lazy = lazy || unsynced
	if err := w.ledger.commit(c); err != nil {
		w.note("  …%v", err)
		return err
	}
	w.watch.committed(w, old, w.ledger.records[c.Record.Ref], lazy)
	if w.plan.on[backupRestored] > 0 && w.lot.chance(0.2) {
		w.backup = w.ledger.copy()
	}
	return nil
}
