package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// plugin is a shop's own payment plugin, behind a relay. Its switches are what published
// plugins do.
type plugin struct {
	w *world
	// patience is after how long it gives an answer up; zero is never.
	patience time.Duration
	// relayed is how long a call of its may take at the gateway.
	relayed time.Duration
	// tries is how often a page asks after an error.
	tries int
	// cron: a job asks, too. wanders: it asks at another node than served its page.
	cron, wanders bool
	// reverses: it sends the money back where it hears nothing.
	reverses bool
	// session: without its customer it doesn't know the order, and asks nothing.
	session bool
	// trusts: it credits what the browser claims, and asks nothing.
	trusts bool
	// knows: it looks at its order's state before it asks.
	knows bool
	// marks: its answers of failure are told from those of success.
	marks bool
	// rescue is the site's.
	rescue bool
	// down is how often the shop is down when its return is made for an absent customer.
	down float64
	// closed counts, by payment, the returns that it was down for.
	closed map[string]int

	asks  int
	asked map[string]int
	// firsts counts how often an ask took "first" whole, by id.
	firsts map[string]int
	// lost are the ids of which a job heard "first", and died: no page tells, and without
	// us it would be the same.
	lost map[string]bool
	// unseen are the ids of a return that could not be put on record, or is on none any more.
	unseen map[string]bool
	// forward, if set, says that calls pass while the ledger is away.
	forward *forwarding
	// settling, if set, says that a `verify` route takes the returns.
	settling *settling
}

func newPlugin(w *world, l lot) *plugin {
	s := &plugin{w: w, tries: 1, asked: make(map[string]int), firsts: make(map[string]int), lost: make(map[string]bool), unseen: make(map[string]bool), closed: make(map[string]int)}
	if l.chance(0.6) {
		s.patience = l.between(200*time.Millisecond, 20*time.Second)
	}
	if l.chance(0.4) {
		s.tries = 2 + l.IntN(3)
	}
	s.cron, s.wanders, s.reverses, s.session = l.chance(0.3), l.chance(0.3), l.chance(0.15), l.chance(0.2)
	s.trusts, s.knows, s.marks, s.rescue = l.chance(0.05), l.chance(0.5), l.chance(0.7), l.chance(0.8)
	return s
}

func (s *plugin) String() string {
	return fmt.Sprintf("patience %s (the relay's %s), %d tries, cron %v, wanders %v, reverses %v, session %v, trusts %v, knows %v, marks %v, rescue %v",
		s.patience, s.relayed, s.tries, s.cron, s.wanders, s.reverses, s.session, s.trusts, s.knows, s.marks, s.rescue)
}

// call is one call of the shop's through the relay of a node, and what it hears.
func (s *plugin) call(who string, n int, kind string, q said) (heard string) {
	w := s.w
	p := w.reach(n)
	if p == nil {
		w.hands(who, "reaches nobody", time.Second, func() {})
		return ""
	}
	ctx, leave := context.WithCancel(as(context.Background(), who+"@"+p.name))
	defer leave()
	got := make(chan string, 1)
	tell := func(word string) {
		select {
		case got <- word:
		default:
		}
	}
	if s.patience > 0 {
		w.submit(&call{who: who, what: "gives up", wait: s.patience, fire: func(*call) { leave(); tell("") }, wake: make(chan struct{})})
	}
	body, _ := json.Marshal(q)
	c := engine.Relay{
		Site: site, Route: route, Provider: theOnly.name, Asker: "plugin", Policy: w.plan.policy, Call: payment.RelayCall{Path: kind, Body: body},
		Ask: payment.RelayAsk{ID: q.ID, Order: q.Order, Number: int64(q.Amount), Unit: payment.Rial},
		Say: func(r payment.RelayReply) (whole bool) {
			p.do(ctx, "say to "+who, wire, func(*call) {
				switch {
				case ctx.Err() != nil:
				case w.strikes(pluginReadsHalf):
					tell("")
					leave()
				default:
					whole = true
					s.takes(who, kind, q.ID, r)
					tell(string(r.Body))
				}
			})
			return whole
		},
		Break: func() { tell("") },
	}
	c.Ask.Kind = map[string]payment.RelayKind{"create": payment.RelayCreate, "verify": payment.RelayVerify, "reverse": payment.RelayGiveBack}[kind]
	if kind == "create" {
		c.Ask.Callback = "https://" + site + route + "?order=" + q.Order
		c.Return = &payment.Return{Method: "GET", Host: site, URI: route + "?order=" + q.Order}
	}
	do := map[string]func(context.Context, engine.Relay){"create": p.eng.RelayCreate, "verify": p.eng.RelayVerify, "reverse": p.eng.RelayGiveBack}[kind]
	ended := func() {}
	if s.forward != nil {
		ended = p.log.Begin(c.Ask.Kind, c.Provider, c.Ask.ID)
		passing := c
		c.Down = func(_ error, made *payment.RelayReply) { s.pass(ctx, who, p, passing, made) }
	}
	go func() {
		defer w.seen()
		defer tell("") // also where the process dies in it
		defer ended()
		do(ctx, c)
	}()
	body2 := <-got
	defer w.seen()
	switch {
	case body2 == "" && !s.wrong() && s.outwaits(0) && !p.dead:
		w.fail("%s waited for a slow gateway's answer to its %s, and heard nothing", who, kind)
		return ""
	case body2 == "":
		return ""
	case kind == "create" && strings.HasPrefix(body2, "{"):
		return "" // "later", or an error: no payment was made
	case kind == "create":
		return body2
	}
	return hears(payment.RelayReply{Status: 200, Body: []byte(body2)})
}

// takes is the moment at which the shop has an answer whole. It credits then, or dies.
func (s *plugin) takes(who, kind, id string, r payment.RelayReply) {
	w := s.w
	if kind != "verify" || hears(r) != "first" {
		return
	}
	s.firsts[id]++
	w.note("  …%s hears \"first\" of %s", who, id)
	if w.strikes(pluginDies) {
		s.lost[id] = strings.HasPrefix(who, "cron ") || s.unseen[id] || w.skewed || s.settling != nil && s.outlived(id)
		return
	}
	s.credit(id)
}

// forgets notes the returns that are in the last n changes of a tail, which a power cut is
// about to take: their pages go on, and no record knows of them.
func (s *plugin) forgets(l *ledger, n int) {
	for _, u := range l.tail[len(l.tail)-n:] {
		if r := l.records[u.ref]; r != nil && r.Relay != nil && !r.Relay.PageAt.IsZero() && (u.old == nil || u.old.Relay == nil || !u.old.Relay.PageAt.Equal(r.Relay.PageAt)) {
			s.unseen[r.ID] = true
		}
	}
}

func (s *plugin) credit(id string) {
	w := s.w
	if s.forward != nil && s.forward.calls > 0 {
		// The ledger may not know it yet.
		d := w.bank.deals[id]
		if d == nil {
			w.fail("%s is credited, and nobody made it", id)
			return
		}
		w.shop.byID[id]++
		w.shop.byOrder[d.order] = append(w.shop.byOrder[d.order], id)
		w.note("  …the shop credits %s", id)
		switch {
		case s.trusts:
		case w.shop.byID[id] > 1:
			w.fail("INV1: the receipt %s was credited %d times", id, w.shop.byID[id])
		case d.verifiedAt.IsZero() || d.givenBack:
			w.fail("INV2: %s was credited and is not verified at the provider", id)
		}
		return
	}
	for _, r := range w.ledger.sorted() {
		if r.ID == id && !isTrace(r) {
			w.shop.byID[id]++
			w.shop.byOrder[r.Order] = append(w.shop.byOrder[r.Order], id)
			w.note("  …the shop credits %s", id)
			if !s.trusts {
				w.credited(r)
			}
			return
		}
	}
	if !s.trusts {
		w.fail("%s is credited and no record knows it", id)
	}
}

// page is the shop's page at a customer's return.
func (s *plugin) page(who string, n int, q said, customer bool) payment.ShopPage {
	w, failed := s.w, payment.PageRefused
	defer w.seen()
	if !s.marks {
		failed = payment.PageGood
	}
	known := false
	if !w.hands(who, "runs the page", 0, func() {
		known = s.knows && w.shop.byID[q.ID] > 0
		if s.trusts && !known {
			s.credit(q.ID)
		}
	}) {
		return payment.PageBad
	}
	switch {
	case known || s.trusts:
		return payment.PageGood
	case s.session && !customer:
		return failed
	}
	if s.wanders {
		n++
	}
	heard := ""
	for try := range s.tries {
		if heard = s.ask(who+" try"+itoa(try+1), n, q); heard != "" {
			break
		}
	}
	switch heard {
	case "first":
		said := payment.PageGood
		w.hands(who, "answers", 0, func() {
			if w.shop.byID[q.ID] == 0 || w.strikes(pluginDiesCredited) {
				said = payment.PageBad
			}
		})
		return said
	case "":
		if s.reverses {
			s.call(who+" reverse", n, "reverse", q)
		}
	}
	return failed
}

func (s *plugin) ask(who string, n int, q said) string {
	s.w.hands(who, "asks", 0, func() { s.asked[q.ID]++ })
	return s.call(who, n, "verify", q)
}

// comes is a customer's return that reaches the shop through a node.
func (s *plugin) comes(who string, n int, q said) {
	w := s.w
	defer w.seen()
	if s.settling != nil {
		s.visits(who, comeback{node: n, attack: faultKinds}, q.ID)
		return
	}
	p := w.reach(n)
	if p == nil {
		return
	}
	ctx, eng := as(context.Background(), who+"@"+p.name), p.eng
	ref := payment.NewRef(site, theOnly.issuer, q.ID, q.Order)
	at, err := eng.RelayReturn(ctx, ref, payment.Return{Method: "GET", Host: site, URI: route + "?order=" + q.Order}, 10*time.Second)
	if p.dead {
		return
	}
	if err != nil || at.IsZero() && s.forward != nil && w.ledger.records[ref] == nil {
		// Its create may have passed unrecorded: no record can say what the page answered.
		w.hands(who, "passes without a record", 0, func() { s.unseen[q.ID] = true })
	}
	page := s.page(who, n, q, true)
	if !at.IsZero() && !p.dead {
		eng.RelayPage(ctx, ref, at, page)
	}
}

// pluginSites are sites whose shops ask for themselves.
type pluginSites struct{ *sites }

// Rescues implements [engine.Replayer].
func (s *pluginSites) Rescues(*payment.Record) engine.Rescue {
	defer s.p.w.seen()
	if !s.p.w.plugin.rescue || s.p.w.routeless {
		return engine.RescueOff
	}
	return engine.RescueDefault
}

// Settles implements [engine.Settler].
func (s *pluginSites) Settles(*payment.Record) bool {
	defer s.p.w.seen()
	return s.p.w.plugin.settling != nil && !s.p.w.routeless
}

// Replay implements [engine.Replayer].
func (s *pluginSites) Replay(_ context.Context, r *payment.Record) engine.Replayed {
	w := s.p.w
	defer w.seen()
	if w.routeless {
		return engine.Replayed{Unsent: true}
	}
	w.mu.Lock()
	w.plugin.asks++
	who := "replay" + itoa(w.plugin.asks) + " of " + r.ID
	luck := newLot(w.seed, 100+uint64(w.plugin.asks)) //nolint:gosec // it counts up from zero
	down := !w.healed && luck.chance(w.plugin.down)
	if down {
		w.plugin.closed[r.ID]++
	}
	w.mu.Unlock()
	if down {
		if luck.chance(0.5) {
			return engine.Replayed{Unsent: true, Down: "it was answered with status 502"}
		}
		return engine.Replayed{Taken: true, Down: "it was answered with status 503", Page: payment.PageBad}
	}
	page := w.plugin.page(who, w.plugin.at(s.p), said{r.ID, r.Order, r.Price()}, false)
	return engine.Replayed{Taken: true, Page: page}
}

// Interface guards.
var (
	_ engine.Replayer = (*pluginSites)(nil)
	_ engine.Settler  = (*pluginSites)(nil)
)
