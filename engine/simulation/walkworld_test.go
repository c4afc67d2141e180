package simulation

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// truth is how a payment stands at the provider when its returns come.
type truth int

const (
	paid truth = iota
	unpaid
	paidMeanwhile // …by a customer who went back to the bank's page
	usedBefore    // another system has verified it
	givenBack     // the window has closed
)

func (t truth) String() string {
	return [...]string{"paid", "unpaid", "paid meanwhile", "used before", "given back"}[t]
}

// corner is a small world that is walked through: one payment, three returns of
// it, two nodes on one ledger.
type corner struct {
	name string
	// shape is the provider's; none: idpay. mode is never checkout, but announced.
	shape string
	mode  mode
	// naive: the shop credits whenever it is told, so it is told once.
	naive, affiliate bool
	truth            truth
	// alone: one node on an embedded ledger.
	alone bool
	// nodes are where the returns come.
	nodes []int
	// third is what is wrong with the third return; zero is nothing.
	third fault
	// on may happen, beside crashes.
	on []fault
}

// crashing are the ways a process ends.
func crashing() []fault { return []fault{crashAfter, powerCut} }

func (c corner) plan() plan {
	p := plan{mode: c.mode, joined: !c.alone, affiliate: c.affiliate, returnKnown: true, healAt: 5 * time.Minute, most: 1 << 20}
	p.shape = shapes()[0]
	for _, s := range shapes() {
		if s.name == c.shape {
			p.shape = s
		}
	}
	if p.mode == modeCheckout {
		p.mode = modeAnnounced
	}
	p.policy = engine.Policy{Once: c.naive}
	s := &shopper{name: "customer1", order: "order1", amount: 15_000, pays: true}
	for i, n := range c.nodes {
		back := comeback{node: n, attack: faultKinds}
		if i == 2 && c.third != 0 {
			back.attack = c.third
		}
		s.returns = append(s.returns, back)
	}
	p.shoppers = []*shopper{s}
	for _, f := range append(crashing(), c.on...) {
		p.on[f] = 1
	}
	return p
}

// newCorner is a world that takes its choices from k.
func newCorner(c corner, k *walker, trace bool) *world {
	w := &world{
		names: make(map[payment.Ref]string), alerts: make(map[payment.Ref][]string), hits: newHits(),
		watch: watch{forgotten: make(map[string]bool), recorded: make(map[string]time.Time), paid: make(map[payment.Ref]time.Time)},
	}
	w.walk, w.lot, w.fate = k, lot{walk: k}, lot{walk: k}
	if trace {
		w.trace = new(strings.Builder)
	}
	w.now = time.Now()
	w.began = w.now
	w.plan = c.plan()
	w.furnish()
	return w
}

// walkThrough lives one sequence of choices.
func walkThrough(t *testing.T, c corner, k *walker, trace bool) (text string, err error) {
	synctest.Test(t, func(*testing.T) {
		w := newCorner(c, k, trace)
		w.past()
		for _, n := range w.nodes {
			n.start()
		}
		go w.comingBack(c)
		w.finish()
		if !k.on && !k.pruned && len(k.made) == 0 {
			w.fail("nothing was chosen")
		}
		err = w.failed()
		if trace {
			text = w.trace.String()
		}
	})
	return text, err
}

// comingBack is the customer: everything before the returns is always the same.
func (w *world) comingBack(c corner) {
	defer w.seen()
	s := w.plan.shoppers[0]
	if !w.hands(s.name, "comes to the shop", time.Second, func() {}) || !w.buy(s) {
		return
	}
	id := s.ids[0]
	w.hands(s.name, "is done at the bank", time.Second, func() {
		d := w.bank.deals[id]
		switch c.truth {
		case paid:
			w.bank.pay(id)
		case paidMeanwhile:
			w.at(w.now, func() { w.bank.pay(id) })
		case usedBefore:
			d.paidAt, d.verifiedAt = w.now, w.now
		case givenBack:
			d.paidAt, d.givenBack = w.now.Add(-w.bank.window()), true
		case unpaid:
		}
		w.walk.on = true
		if c.third == 0 {
			w.walk.twins = map[string]string{s.name + " return3": s.name + " return1"}
		}
	})
	for n, back := range s.returns {
		go w.visit(s, s.name+" return"+itoa(n+1), back, id, payment.HintPaid)
	}
}
