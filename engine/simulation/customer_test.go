package simulation

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	site  = "shop"
	route = "/callback"
	// elsewhere is the order that a return's own parameter names when it is not
	// the one that was paid.
	elsewhere = "order-of-somebody-else"
)

// hands is a call of an actor that runs on no node; false: the world has ended.
func (w *world) hands(who, what string, wait time.Duration, fire func()) bool {
	c := &call{who: who, what: what, wait: wait, fire: func(*call) {
		w.note("%s: %s", who, what)
		fire()
	}, wake: make(chan struct{})}
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return false
	}
	w.arrived = append(w.arrived, c)
	w.mu.Unlock()
	<-c.wake
	return !c.lost
}

// reach is a running process, preferably on the given node.
func (w *world) reach(n int) *process {
	for i := range w.nodes {
		if p := w.nodes[(n+i)%len(w.nodes)].now; p != nil {
			return p
		}
	}
	return nil
}

// shopping is a customer from the first page to the last.
func (w *world) shopping(s *shopper) {
	defer w.seen()
	if !w.hands(s.name, "comes to the shop", s.arrives, func() {}) || !w.buy(s) {
		return
	}
	if s.twice && w.plan.mode != modeCheckout && !w.buy(s) {
		return
	}
	id := s.ids[0]
	if !s.pays {
		unpaid := comeback{attack: faultKinds}
		if !w.hands(s.name, "does not pay "+id, s.thinks, func() {}) || !s.again {
			if s.returns != nil {
				w.visit(s, s.name+" back", unpaid, id, payment.HintUnpaid)
			}
			return
		}
		w.visit(s, s.name+" back", unpaid, id, payment.HintUnpaid)
	}
	if !w.hands(s.name, "pays "+id, s.thinks, func() {
		for _, id := range s.ids {
			w.bank.pay(id)
		}
	}) {
		return
	}
	for n, c := range s.returns {
		for k, id := range s.ids {
			who := s.name + " return" + itoa(n+1)
			if k > 0 {
				who += " of " + id
			}
			go w.visit(s, who, c, id, payment.HintPaid)
		}
	}
}

// buy has a payment started; false if that can't be done.
func (w *world) buy(s *shopper) bool {
	order := s.order
	for try := range 4 {
		if w.plan.mode == modeCheckout {
			order = s.order + "-" + itoa(try+1)
		}
		if w.plan.mode != modeCheckout && try == 0 {
			made := w.hands(s.name, "has the shop start a payment", 0, func() {
				id := w.bank.nextID()
				at := w.plan.desk(s.desks[len(s.ids)%2])
				w.bank.make(at, id, order, s.amount)
				w.shop.known[order] = append(w.shop.known[order], id)
				w.shop.price[order] = s.amount
				s.ids = append(s.ids, id)
				w.name(payment.NewRef(site, at.issuer, id, order), id)
			})
			if !made {
				return false
			}
		}
		p := w.reach(0)
		if p != nil && w.start(p, s, order) && !p.dead {
			s.order = order
			return true
		}
		if !w.hands(s.name, "tries again", 5*time.Second, func() {}) {
			return false
		}
	}
	return false
}

// start is the request that begins a payment, at a node.
func (w *world) start(p *process, s *shopper, order string) bool {
	ctx := as(context.Background(), s.name+"@"+p.name)
	ret := payment.Return{Method: "GET", Host: site, URI: route + "?order=" + order}
	var track *payment.Track
	if w.plan.affiliate {
		track = &payment.Track{ID: "track-" + s.name, Affiliate: "net"}
	}
	at := w.plan.desk(s.desks[0])
	if len(s.ids) > 0 && w.plan.mode != modeCheckout {
		at = w.bank.deals[s.ids[len(s.ids)-1]].desk
	}
	switch w.plan.mode {
	case modeCheckout:
		ref := payment.CheckoutRef(site, at.issuer, order)
		_, rec, err := p.eng.Purchase(ctx, engine.Purchase{
			Site: site, Route: route, Provider: at.name, Order: order, Amount: s.amount, Item: "sku", Track: track,
			Ref: ref, ReturnURL: "https://shop" + route + "?ref=" + string(w.name(ref, "of "+order)), Return: ret,
		})
		if err != nil {
			return false
		}
		s.ref, s.ids = rec.Ref, append(s.ids, rec.ID)
		return true
	case modeAnnounced:
		a := engine.Announcement{Site: site, Provider: at.name, ID: s.ids[len(s.ids)-1], Order: order, Amount: s.amount, Track: track}
		if w.plan.returnKnown {
			a.Route, a.Return = route, &ret
		}
		_, err := p.eng.Announce(ctx, a)
		return err == nil
	}
	if track != nil {
		_ = p.eng.Note(ctx, at.issuer, s.ids[len(s.ids)-1], *track)
	}
	return true
}

// ask is what a return says, with what is wrong about it.
func (w *world) ask(s *shopper, c comeback, id string, hint payment.Hint) engine.Ask {
	order, at := s.order, theOnly
	if d := w.bank.deals[id]; d != nil {
		at = d.desk
	}
	a := engine.Ask{
		Site: site, Route: route, Provider: at.name, Proof: w.plan.mode == modeSigned,
		Policy: w.plan.policy, Client: "192.0.2." + s.order[len("order"):], Patience: 8 * time.Second,
	}
	if w.plan.mode == modeCheckout {
		a.Ref = s.ref
	}
	switch c.attack {
	case otherOrder:
		order = w.plan.shoppers[0].order
		if order == s.order {
			order = "order9"
		}
	case oldReceipt:
		id = "OLD-" + s.name
	case forgedID:
		id = "FORGED-" + s.name
	case otherSite:
		if w.plan.intents() { // otherwise each site's own shop answers for its orders
			a.Site = "sister"
		}
	case otherDesk:
		a.Provider = w.plan.beside(at).name
	case wrongBinding:
		a.Bound = func(string) bool { return false }
	}
	a.Claimed, a.Order = payment.Claimed{ID: id, Order: order, Hint: hint}, order
	if !w.bank.shape.hints {
		a.Claimed.Hint = payment.HintNone
	}
	own := order
	if c.attack == wrongBinding {
		own = elsewhere
	}
	a.Return = payment.Return{Method: "POST", Host: site, URI: route + "?id=" + id + "&order=" + order + "&own=" + own, Machine: c.machine}
	return a
}

// visit is a browser that comes back, and comes again while it is told to wait.
func (w *world) visit(s *shopper, who string, c comeback, id string, hint payment.Hint) {
	defer w.seen()
	if !w.hands(who, "sets out", c.after, func() {}) {
		return
	}
	a := w.ask(s, c, id, hint)
	for range 8 {
		p := w.reach(c.node)
		again := true
		if p != nil {
			again = w.request(p, s, who, c, a)
		}
		if !again || !w.hands(who, "comes again", 5*time.Second, func() {}) {
			return
		}
	}
}

// request is one request of a return, and what the site's handler does with it;
// true if the browser is to come again.
func (w *world) request(p *process, s *shopper, who string, c comeback, a engine.Ask) bool {
	ctx, leave := context.WithCancel(as(context.Background(), who+"@"+p.name))
	defer leave()
	if c.leaves > 0 {
		w.submit(&call{who: who, what: "leaves", wait: c.leaves, fire: func(*call) { leave() }, wake: make(chan struct{})})
	}
	if w.plan.mode == modeNone || w.plan.mode == modeSigned || w.plan.mode == modeLookup {
		a.Expect = func(ctx context.Context, id string) (payment.Expectation, error) {
			return w.expect(ctx, p, id, a.Order)
		}
	}
	began, eng := w.now, p.eng // the same one to the end, whatever is reloaded
	res := eng.Admit(ctx, a)
	if p.dead {
		return ctx.Err() == nil
	}
	if !w.hands(who, "is told "+res.Kind.String(), 0, func() { w.answered(c, a, res, began) }) || ctx.Err() != nil {
		return false
	}
	switch res.Kind {
	case engine.Verified:
		if !c.machine {
			w.deliver(ctx, p, eng, s, who, res.Record)
		}
		return false
	case engine.Duplicate:
		if res.Record.State != payment.Delivering {
			return false
		}
		rec, err := eng.Await(ctx, res.Record.Ref, 8*time.Second)
		switch {
		case err != nil:
			return true
		case rec.State == payment.Verified,
			rec.State == payment.Delivering && !a.Policy.Once && !p.store.Alive(rec.Lease):
			w.deliver(ctx, p, eng, s, who, rec)
		}
		return false
	case engine.Pending, engine.Busy, engine.Unavailable:
		return true
	}
	return false
}

// deliver is the site's handler handing a verified payment to the shop with the
// browser's own request.
func (w *world) deliver(ctx context.Context, p *process, eng *engine.Engine, s *shopper, who string, rec *payment.Record) {
	ctx = context.WithoutCancel(ctx)
	var track *payment.Track
	if w.plan.affiliate {
		track = &payment.Track{ID: "track-" + s.name, Affiliate: "net"}
	}
	d := engine.Delivery{Via: payment.ViaBrowser, Browser: who, Track: track, Policy: w.plan.policy}
	_, _ = eng.Deliver(ctx, rec, d, func(ctx context.Context, rec *payment.Record) engine.Handed { return w.shop.hand(ctx, p, rec) })
}
