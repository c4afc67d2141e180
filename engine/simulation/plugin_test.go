package simulation

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// pluginShapes are the providers whose "first" and "again" differ; the last one's "again"
// says nothing of the payment.
func pluginShapes() []shape {
	all := shapes()
	kept := all[:0]
	for _, s := range all {
		if s.traits.TellsFirst {
			kept = append(kept, s)
		}
	}
	bare := live(payment.Protocol{AnswersAmount: true, TellsFirst: true, GivesBack: true})
	return append(kept, shape{name: "zibal", traits: bare, inquires: true, bare: true})
}

// newPluginWorld draws a world whose shop has a plugin of its own behind a relay.
func newPluginWorld(seed uint64, lim limits, h *hits) *world {
	w := newWorld(seed, lim, h)
	l := newLot(seed, 4)
	w.plan.mode, w.plan.desks, w.plan.policy, w.plan.refunds = modeRelayed, nil, engine.Policy{Once: true, Many: true}, 0
	shapes := pluginShapes()
	w.plan.shape = shapes[l.IntN(len(shapes))]
	for _, f := range []fault{wrongAmount, tenfold, wrongOrder, wrongID} {
		w.plan.on[f] = 0 // they have their own worlds, where a handler compares
	}
	for _, f := range []fault{pluginReadsHalf, pluginDies, pluginDiesCredited} {
		w.plan.on[f] = 0
		if l.chance(0.3) {
			w.plan.on[f] = []float64{0.1, 0.5}[l.IntN(2)]
		}
	}
	if l.chance(0.1) {
		w.plan.on = [faultKinds]float64{}
	}
	w.plan.on[gatewaySlow] = 0
	patience := newLot(seed, 6)
	if patience.chance(0.4) {
		w.plan.on[gatewaySlow] = []float64{0.1, 0.5, 1}[patience.IntN(3)]
	}
	for _, s := range w.plan.shoppers {
		kept := s.returns[:0]
		for _, c := range s.returns {
			if c.attack == faultKinds {
				kept = append(kept, c)
			}
		}
		s.returns = kept
	}
	w.plugin = newPlugin(w, l)
	w.plugin.waits(patience)
	if health := newLot(seed, 7); health.chance(0.3) {
		w.plugin.down = []float64{0.3, 0.9}[health.IntN(2)]
	}
	w.furnish()
	return w
}

// shopping is a customer of such a shop.
func (s *plugin) shopping(c *shopper) {
	w := s.w
	defer w.seen()
	if !w.hands(c.name, "comes to the shop", c.arrives, func() {}) {
		return
	}
	id := ""
	for try := range 4 {
		if id = s.call(c.name+" pay"+itoa(try+1), 0, "create", said{Order: c.order, Amount: c.amount}); id != "" {
			break
		}
		if !w.hands(c.name, "tries again", 5*time.Second, func() {}) {
			return
		}
	}
	if id == "" {
		return
	}
	q := said{id, c.order, c.amount}
	if !w.hands(c.name, "knows its payment", 0, func() {
		c.ids = append(c.ids, id)
		w.name(payment.NewRef(site, theOnly.issuer, id, c.order), id)
	}) || !c.pays || !w.hands(c.name, "pays "+id, c.thinks, func() { w.bank.pay(id) }) {
		return
	}
	for n, back := range c.returns {
		go func() {
			defer w.seen()
			who := c.name + " return" + itoa(n+1)
			if s.settling != nil {
				s.visits(who, back, id)
				return
			}
			if w.hands(who, "sets out", back.after, func() {}) {
				s.comes(who, back.node, q)
			}
		}()
	}
	if s.cron && !s.trusts {
		go func() {
			defer w.seen()
			who := "cron of " + id
			for n := range 3 {
				if !w.hands(who, "wakes", time.Minute, func() {}) {
					return
				}
				s.ask(who+" "+itoa(n+1), n, q)
			}
		}()
	}
}

// livePlugins is such a world from its beginning to its end.
func (w *world) livePlugins() {
	s := w.plugin
	w.note("seed %d: %s, joined %v, %d customers, healed at %s; plugin: %s", w.seed, w.plan.shape.name, w.plan.joined, len(w.plan.shoppers), w.plan.healAt, s)
	for _, n := range w.nodes {
		n.start()
	}
	for _, c := range w.plan.shoppers {
		go s.shopping(c)
	}
	w.schedule()
	w.run(w.began.Add(w.plan.healAt))
	if w.failed() == nil {
		w.heal()
		w.run(w.now.Add(time.Hour))
		// All who came back once look again, so that whatever can be healed is.
		for _, c := range w.plan.shoppers {
			if len(c.ids) > 0 && c.pays && len(c.returns) > 0 && w.failed() == nil {
				go s.comes(c.name+" at last", 0, said{c.ids[0], c.order, c.amount})
			}
		}
		w.run(w.now.Add(linkLife))
	}
	if w.failed() == nil {
		w.liveness()
		s.healed()
	}
	for range 2 {
		if w.failed() == nil {
			w.owner()
			w.run(w.now.Add(linkLife))
		}
	}
	if w.failed() == nil {
		w.decided()
		s.ended()
	}
	if err := w.failed(); err != nil {
		w.note("VIOLATED: %v", err)
	}
	w.end()
}

// healed checks what needs no person.
//
//	transparent  nothing is settled that the shop never asked for
//	once         "first" is heard once, whoever asks, at whichever node
//	no worse     where nothing went wrong, all that was paid is credited, or given back where its plugin needs a customer who didn't come
func (s *plugin) healed() {
	w := s.w
	for _, d := range w.allDeals() {
		switch {
		case d.ours && s.asked[d.id] == 0 && s.settling == nil:
			w.fail("%s was settled, and the shop never asked", d.id)
		case s.firsts[d.id] > 1:
			w.fail("the shop heard \"first\" %d times of %s", s.firsts[d.id], d.id)
		case s.settling != nil && (w.plan.policy.Park || s.session): // a person hands over to who isn't there, and was told
		case s.wrong() || d.paidAt.IsZero() || w.shop.byID[d.id] > 0 || s.reverses:
		case d.givenBack && w.bank.slow.most > 0: // whoever asks for an absent customer doesn't wait as long
		case d.verifiedAt.IsZero() && s.closed[d.id] >= 3: // the shop was down as long as it could be asked for
		case d.verifiedAt.IsZero() && (s.session || !s.rescue || !w.bank.shape.inquires || !s.cameBack(d)):
		case d.verifiedAt.IsZero():
			w.fail("nothing went wrong, the customer of %s came back, and it is not settled", d.id)
		case s.patience == 0:
			w.fail("nothing went wrong, %s was paid, and it is not credited", d.id)
		}
	}
}

func (s *plugin) cameBack(d *deal) bool {
	for _, c := range s.w.plan.shoppers {
		if len(c.ids) > 0 && c.ids[0] == d.id {
			return len(c.returns) > 0
		}
	}
	return false
}

// ended checks what remains after the owner: what was taken is credited or given back.
func (s *plugin) ended() {
	w := s.w
	for _, d := range w.allDeals() {
		if d.ours && !d.givenBack && !w.watch.forgotten[d.id] && w.shop.byID[d.id] == 0 && !s.lost[d.id] && !s.repaid(d) {
			w.fail("%s was taken, and nobody has credited it or given it back", d.id)
		}
	}
}

func (s *plugin) repaid(d *deal) bool {
	for _, r := range s.w.ledger.records {
		if r.ID == d.id && (r.State == payment.Reversed || r.Dismissed()) {
			return true
		}
	}
	return false
}

type drawn func(seed uint64, lim limits, h *hits) *world

func simulatePlugins(t *testing.T, seed uint64, lim limits, h *hits, draw drawn) (v verdict) {
	synctest.Test(t, func(*testing.T) {
		w := draw(seed, lim, h)
		if f := w.plugin.forward; f != nil {
			defer func() { _ = os.RemoveAll(f.dir) }()
		}
		w.livePlugins()
		v = verdict{seed: seed, err: w.failed(), struck: w.struck, plan: w.plan, steps: w.steps}
		if w.trace != nil {
			v.trace = w.trace.String()
		}
	})
	return v
}

// TestPlugins lives worlds of shops that ask for themselves, behind a relay: no plugin is
// credited twice, none is worse off than without us, and what can be healed is.
func TestPlugins(t *testing.T) { livePlugins(t, "TestPlugins", newPluginWorld, 1000) }

// enoughPlugins is how many worlds of plugins have a slow gateway.
const enoughPlugins = 200

func livePlugins(t *testing.T, name string, draw drawn, n int) {
	if *seedFlag != 0 {
		v := simulatePlugins(t, *seedFlag, limits{drop: parseDrop(*dropFlag), customers: *onlyFlag, trace: true}, newHits(), draw)
		fmt.Print(v.trace)
		if v.err != nil {
			t.Fatal(v.err)
		}
		return
	}
	if raceEnabled {
		n /= 5
	}
	if *seedsFlag != 0 {
		n = *seedsFlag
	}
	var mu sync.Mutex
	next, bad, total := *firstFlag, 0, newHits()
	t.Cleanup(func() {
		t.Logf("%d seeds, %d slow gateways, %d questions of our own beside a shop's", n, total.faults[gatewaySlow], total.beside)
		if n >= enoughPlugins && bad == 0 && (total.faults[gatewaySlow] == 0 || total.beside == 0) {
			t.Error("no gateway was slower than a plugin waits")
		}
	})
	for range 2 {
		t.Run("seeds", func(t *testing.T) {
			t.Parallel()
			h := newHits()
			for {
				mu.Lock()
				seed := next
				next++
				stop := seed >= *firstFlag+uint64(n) || bad >= mostFailures
				mu.Unlock()
				if stop {
					break
				}
				if v := simulatePlugins(t, seed, limits{}, h, draw); v.err != nil {
					t.Errorf("seed %d: %v\n   live it again: go test ./engine/simulation -run %s$ -seed %d", seed, v.err, name, seed)
					mu.Lock()
					bad++
					mu.Unlock()
				}
			}
			mu.Lock()
			total.add(h)
			mu.Unlock()
		})
	}
}
