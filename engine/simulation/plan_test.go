package simulation

import (
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// mode is how order and price of a payment are known.
type mode int

const (
	modeCheckout  mode = iota // our own checkout made it
	modeAnnounced             // the shop announced it
	modeLookup
	modeSigned
	modeNone
	modeRelayed // the shop asks for itself, behind a relay
)

func (m mode) String() string {
	return [...]string{"checkout", "announced", "lookup", "signed", "none", "relayed"}[m]
}

// plan is a seed's world before anything has happened.
type plan struct {
	shape shape
	mode  mode
	// desks are the site's providers; none is the usual one.
	desks []desk
	// joined: two nodes on one store, each of which sees the other's leases;
	// otherwise one node and an embedded store.
	joined    bool
	policy    engine.Policy
	ackHeader bool
	affiliate bool
	// returnKnown: an announcement named its return address.
	returnKnown bool
	shoppers    []*shopper
	// on are the faults that may strike, with their chance at each opportunity.
	on [faultKinds]float64
	// healAt is when nothing goes wrong any more.
	healAt time.Duration
	most   int // faults, at most
	// refunds is how often the owner gives money back meanwhile.
	refunds int
}

// intents: nothing is asked about that was not made or announced here.
func (p *plan) intents() bool { return p.mode == modeCheckout || p.mode == modeAnnounced }

// allowed are the modes that a provider's shape may be configured with.
func (s shape) allowed() []mode {
	modes := []mode{modeCheckout, modeAnnounced, modeAnnounced, modeLookup}
	switch {
	case s.traits.AnswersOrder && s.traits.AnswersAmount:
		modes = append(modes, modeNone, modeNone, modeSigned)
	case s.traits.AnswersOrder:
		modes = append(modes, modeSigned)
	case !s.traits.TellsFirst:
		modes = append(modes, modeSigned)
	}
	return modes
}

// newPlan draws a world.
func newPlan(l lot) plan {
	all := shapes()
	p := plan{shape: all[l.IntN(len(all))]}
	modes := p.shape.allowed()
	p.mode = modes[l.IntN(len(modes))]
	p.joined = l.chance(0.5)
	p.policy = engine.Policy{Once: l.chance(0.5), Many: l.chance(0.15)}
	p.ackHeader = l.chance(0.4)
	p.policy.Park = p.policy.Once && !p.ackHeader && p.mode != modeCheckout && l.chance(0.7)
	p.affiliate = l.chance(0.7)
	p.returnKnown = l.chance(0.6)
	p.healAt = l.between(30*time.Second, 20*time.Minute)
	p.most = 1 + l.IntN(16)
	// Few kinds at a time, each often: a world with a little of everything never
	// gets far.
	kinds := 2 + l.IntN(11)
	for range kinds {
		f := fault(l.IntN(int(pluginReadsHalf)))
		p.on[f] = []float64{0.01, 0.05, 0.2, 0.6}[l.IntN(4)]
		if f == crashBefore || f == crashAfter || f == readError || f == raced {
			p.on[f] = []float64{0.01, 0.03, 0.1}[l.IntN(3)]
		}
	}
	if p.on[backupRestored] > 0 || p.on[ledgerLost] > 0 {
		// Times of verification are compared with when the generation began: a
		// clock that is set by more than the skew in between is not believed to
		// happen, and documented.
		p.on[clockAhead], p.on[clockBack] = 0, 0
	}
	if l.chance(0.15) {
		p.refunds = 1 + l.IntN(30)
	}
	p.desks = desks(l)
	if l.chance(0.05) {
		p.on = [faultKinds]float64{} // and nothing at all
	}
	n := 1 + l.IntN(3)
	for i := range n {
		p.shoppers = append(p.shoppers, newShopper(l, &p, i+1))
	}
	return p
}

// shopper is a customer and what they will do.
type shopper struct {
	name, order string
	amount      payment.Rials
	arrives     time.Duration
	// thinks is how long they are at the bank.
	thinks time.Duration
	pays   bool
	// returns are the requests that bring them back, and when, after paying.
	returns []comeback
	// ids are what the provider gave out for them; ref is the checkout's record.
	ids []string
	ref payment.Ref
	// desks are where its payments are started, by number, in turn.
	desks [2]int
	// again: pays after having declined; twice: pays two ids.
	again, twice bool
}

// comeback is one return.
type comeback struct {
	after   time.Duration
	node    int
	machine bool
	leaves  time.Duration // the browser leaves after this long; zero: it stays
	// attack is what is wrong with it; faultKinds is nothing.
	attack fault
}

func newShopper(l lot, p *plan, n int) *shopper {
	s := &shopper{
		name: "customer" + itoa(n), order: "order" + itoa(n), amount: payment.Rials(10_000*n + 5_000),
		arrives: l.between(0, 20*time.Second), thinks: l.between(2*time.Second, 90*time.Second), pays: l.chance(0.85),
	}
	will := func(f fault) bool { return p.on[f] > 0 && l.chance(0.6) }
	count := 1
	if will(manyReturns) {
		count += 1 + l.IntN(3)
	}
	if will(neverReturns) {
		count = 0
	}
	s.twice = will(paysTwice)
	s.desks = [2]int{l.IntN(2), l.IntN(2)}
	if will(paysAfterNo) {
		s.again, s.pays = true, false
	}
	for i := range count {
		c := comeback{after: l.between(0, 3*time.Second), attack: faultKinds}
		if i > 0 && l.chance(0.3) {
			c.after = l.between(0, 5*time.Minute)
		}
		if l.chance(0.05) {
			c.after = l.between(10*time.Minute, 45*time.Minute) // a tab that was left open
		}
		if will(otherNode) {
			c.node = 1
		}
		c.machine = will(machineReturns)
		if will(browserLeaves) {
			c.leaves = l.between(time.Millisecond, 3*time.Second)
		}
		s.returns = append(s.returns, c)
	}
	if l.chance(0.05) {
		// A tab that is opened again when the window has closed, and once more.
		closed := l.between(10*time.Minute, 40*time.Minute)
		s.returns = []comeback{{after: closed, attack: faultKinds}, {after: closed + l.between(10*time.Second, 5*time.Minute), attack: faultKinds}}
	}
	for _, f := range []fault{otherOrder, oldReceipt, forgedID, wrongBinding, otherSite, otherDesk} {
		if will(f) && (f != otherDesk || len(p.desks) > 1) {
			s.returns = append(s.returns, comeback{after: l.between(0, time.Minute), attack: f})
		}
	}
	return s
}
