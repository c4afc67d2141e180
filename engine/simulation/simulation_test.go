package simulation

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

var (
	seedsFlag = flag.Int("seeds", 0, "how many seeds to simulate (default: as many as take a few seconds)")
	seedFlag  = flag.Uint64("seed", 0, "simulate this seed alone and print its trace")
	firstFlag = flag.Uint64("first", 1, "the first of the seeds")
	dropFlag  = flag.String("drop", "", "with -seed: ordinals of faults that do not strike, as printed by a failure")
	onlyFlag  = flag.Int("customers", 0, "with -seed: no more than so many customers, as printed by a failure")
)

// limits makes a world smaller than its seed would have it.
type limits struct {
	drop      map[int]bool
	customers int
	trace     bool
	// canary makes a third crash a violation, to see that violations are found
	// and shrunk.
	canary bool
	// real is a store that all is done to as well.
	real *realStore
}

// verdict is the of one seed.
type verdict struct {
	seed   uint64
	err    error
	trace  string
	struck []strike
	plan   plan
	steps  int
}

func newWorld(seed uint64, lim limits, h *hits) *world {
	w := &world{
		seed: seed, lot: newLot(seed, 1), fate: newLot(seed, 2), names: make(map[payment.Ref]string), alerts: make(map[payment.Ref][]string), drop: lim.drop, hits: h,
		watch: watch{forgotten: make(map[string]bool), recorded: make(map[string]time.Time), paid: make(map[payment.Ref]time.Time)},
	}
	w.canary = lim.canary
	if lim.trace {
		w.trace = new(strings.Builder)
	}
	w.now = time.Now()
	w.began = w.now
	w.plan = newPlan(newLot(seed, 3))
	if lim.real != nil {
		lim.real.suit(&w.plan)
	}
	if n := lim.customers; n > 0 && n < len(w.plan.shoppers) {
		w.plan.shoppers = w.plan.shoppers[:n]
	}
	w.furnish()
	w.ledger.real = lim.real
	return w
}

// furnish makes what stands around the engine, as planned.
func (w *world) furnish() {
	var mark *int64
	if w.plan.joined {
		mark = new(int64)
	}
	w.ledger = newLedger(w.now, mark)
	w.bank = &bank{w: w, shape: w.plan.shape, deals: make(map[string]*deal)}
	w.shop = &shop{w: w, dedupes: !w.plan.policy.Once, known: make(map[string][]string), price: make(map[string]payment.Rials), byOrder: make(map[string][]string), busy: make(map[string]int), byID: make(map[string]int)}
	w.network = &network{w: w, tries: make(map[string]map[int]bool), counted: make(map[string]string)}
	w.nodes = []*node{{w: w, name: "n1"}}
	if w.plan.joined {
		w.nodes = append(w.nodes, &node{w: w, name: "n2"})
	}
}

// live is a world from its beginning to its end.
func (w *world) live() {
	p := &w.plan
	w.note("seed %d: %s, %s, at %v, %+v, joined %v, ack header %v, affiliate %v, %d customers, healed at %s",
		w.seed, p.shape.name, p.mode, p.desks, p.policy, p.joined, p.ackHeader, p.affiliate, len(p.shoppers), p.healAt)
	w.past()
	for _, n := range w.nodes {
		n.start()
	}
	for _, s := range p.shoppers {
		go w.shopping(s)
	}
	w.schedule()
	w.finish()
}

// finish is a world from when everything was set going to its end.
func (w *world) finish() {
	w.run(w.began.Add(w.plan.healAt))
	if w.walk != nil && w.walk.pruned {
		w.end()
		return
	}
	if w.failed() == nil {
		w.heal()
		w.run(w.now.Add(9 * 24 * time.Hour))
	}
	if w.failed() == nil {
		w.liveness()
	}
	for range 2 { // what is given may have to be booked by hand then
		if w.failed() == nil {
			w.owner()
			w.run(w.now.Add(9 * 24 * time.Hour))
		}
	}
	if w.failed() == nil {
		w.decided()
	}
	if err := w.failed(); err != nil {
		w.note("VIOLATED: %v", err)
	}
	w.end()
}

// past is what happened before this ledger began.
func (w *world) past() {
	for _, s := range w.plan.shoppers {
		for _, c := range s.returns {
			if c.attack != oldReceipt {
				continue
			}
			d := w.bank.make(w.plan.desk(0), "OLD-"+s.name, s.order, s.amount)
			d.old, d.paidAt, d.verifiedAt = true, w.now.Add(-48*time.Hour), w.now.Add(-47*time.Hour)
			if !w.plan.shape.traits.TellsFirst && w.plan.mode == modeSigned {
				w.ledger.reserve(payment.ReceiptKey(d.desk.issuer, d.id)) // used_ids imported
			}
		}
	}
	for _, s := range w.plan.shoppers {
		for _, c := range s.returns {
			if c.attack < faultKinds {
				w.hits.faults[c.attack]++
			}
			if c.machine {
				w.hits.faults[machineReturns]++
			}
			if c.node == 1 {
				w.hits.faults[otherNode]++
			}
			if c.leaves > 0 {
				w.hits.faults[browserLeaves]++
			}
		}
		w.hits.faults[manyReturns] += max(0, len(s.returns)-1)
		if len(s.returns) == 0 {
			w.hits.faults[neverReturns]++
		}
		if s.twice {
			w.hits.faults[paysTwice]++
		}
		if s.again {
			w.hits.faults[paysAfterNo]++
		}
	}
}

// end lets every goroutine run out: what they do has no effect any more.
func (w *world) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.healed = true
	for _, n := range w.nodes {
		if n.now != nil {
			n.now.crash()
		}
	}
	for {
		w.settle()
		w.mu.Lock()
		rest := append(w.free, w.arrived...)
		w.free, w.arrived = nil, nil
		w.mu.Unlock()
		woken := 0
		for _, c := range rest {
			if !c.over {
				c.over, c.lost = true, true
				close(c.wake)
				woken++
			}
		}
		if woken == 0 {
			return
		}
	}
}

// simulate lives one seed.
func simulate(t *testing.T, seed uint64, lim limits, h *hits) (v verdict) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, lim, h)
		w.live()
		h.steps += w.steps
		v = verdict{seed: seed, err: w.failed(), struck: w.struck, plan: w.plan, steps: w.steps}
		if w.trace != nil {
			v.trace = w.trace.String()
		}
	})
	return v
}

// defaultSeeds is what `go test` simulates by itself.
func defaultSeeds() int {
	if raceEnabled {
		return 500
	}
	return 3000
}

func TestSimulation(t *testing.T) {
	if *seedFlag != 0 {
		v := simulate(t, *seedFlag, limits{drop: parseDrop(*dropFlag), customers: *onlyFlag, trace: true}, newHits())
		fmt.Print(v.trace)
		if v.err != nil {
			t.Fatal(v.err)
		}
		return
	}
	n := *seedsFlag
	if n == 0 {
		n = defaultSeeds()
	}
	began := time.Now()
	total, failures := sweep(t, *firstFlag, n)
	t.Logf("%d seeds in %.1f s: %s", n, time.Since(began).Seconds(), total)
	for _, v := range failures {
		report(t, v)
	}
	if n >= enoughSeeds && len(failures) == 0 {
		for _, what := range total.missed() {
			t.Errorf("never happened in %d seeds: %s", n, what)
		}
	}
}

// enoughSeeds is how many hit everything there is to hit.
const enoughSeeds = 3000

// mostFailures is how many failing seeds are worth shrinking.
const mostFailures = 3

// sweep lives n seeds on all cores, and keeps the failures with the lowest
// numbers.
func sweep(t *testing.T, first uint64, n int) (*hits, []verdict) {
	var (
		mu       sync.Mutex
		total    = newHits()
		failures []verdict
		next     atomic.Uint64
		bad      atomic.Int64
	)
	next.Store(first)
	t.Run("seeds", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(itoa(i), func(t *testing.T) {
				t.Parallel()
				h := newHits()
				for {
					seed := next.Add(1) - 1
					if seed >= first+uint64(n) {
						break
					}
					v := simulate(t, seed, limits{}, h)
					if v.err == nil {
						continue
					}
					if bad.Add(1) <= mostFailures || *countFlag {
						mu.Lock()
						failures = append(failures, v)
						mu.Unlock()
					} else {
						break
					}
				}
				mu.Lock()
				total.add(h)
				mu.Unlock()
			})
		}
	})
	return total, failures
}
