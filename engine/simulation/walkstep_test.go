package simulation

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// move is one thing that could happen next.
type move struct {
	at        time.Time
	seq       int
	who, what string
	step      bool
	p         *process // whose worker looks; nil for an event
	tick      *tick
}

func (m move) before(o move) bool {
	return cmp.Or(m.at.Compare(o.at), cmp.Compare(m.seq, o.seq), strings.Compare(m.who, o.who)) < 0
}

// moves are what could happen now, and the first of what could happen later.
func (w *world) moves() (now []move, then *move) {
	add := func(m move) {
		switch {
		case !m.at.After(w.now):
			now = append(now, m)
		case then == nil || m.before(*then):
			then = &m
		}
	}
	for _, e := range w.queue {
		if twin := w.walk.twins[e.who]; twin != "" && w.staying(twin) {
			continue
		}
		add(move{at: e.at, seq: e.seq, who: e.who, what: e.what, step: e.step})
	}
	for _, n := range w.nodes {
		if p := n.now; p != nil {
			for _, t := range p.ticks {
				if at := p.look(t); !at.IsZero() {
					add(move{at: at, who: p.name, what: "looks for what is due", step: true, p: p, tick: t})
				}
			}
		}
	}
	slices.SortFunc(now, func(a, b move) int {
		return cmp.Or(strings.Compare(a.who, b.who), cmp.Compare(a.seq, b.seq))
	})
	return now, then
}

// staying: a customer has not set out.
func (w *world) staying(who string) bool {
	return slices.ContainsFunc(w.queue, func(e event) bool { return e.who == who && e.what == "sets out" })
}

// step lets the next thing of a walk happen: what only one actor can tell at
// once, otherwise one of all that could. It reports false when there is nothing
// left before limit, or an earlier walk was here.
func (w *world) step(limit time.Time) bool {
	k := w.walk
	now, then := w.moves()
	if then != nil && then.at.After(limit) {
		then = nil
	}
	if len(now) == 0 {
		if then == nil {
			return false
		}
		w.pass(then.at)
		return true
	}
	for _, m := range now {
		if !m.step {
			w.happen(m)
			return true
		}
	}
	if w.idle(now) {
		w.happen(now[0])
		return true
	}
	// Who goes on comes first.
	ahead := 0
	for i, m := range now {
		if m.who == k.who {
			now = slices.Insert(slices.Delete(now, i, i+1), ahead, m)
			ahead++
		}
	}
	n := len(now)
	if ahead > 0 && k.left.switches == 0 {
		n = ahead
	}
	lag := then != nil && k.left.lags > 0
	if lag {
		n++
	}
	if k.seen != nil && k.beyond() {
		state := w.fingerprint()
		if _, known := k.seen[state]; known {
			k.pruned = true
			return false
		}
		k.seen[state] = struct{}{}
	}
	at := k.choose(n)
	if lag && at == n-1 {
		k.left.lags--
		w.note("~ the clock goes on meanwhile")
		w.pass(then.at)
		w.happen(*then)
		return true
	}
	if ahead > 0 && at >= ahead && k.left.switches > 0 {
		k.left.switches--
	}
	w.happen(now[at])
	return true
}

// idle: all that could happen are looks at a record that is as it was at the last
// look, and whose owner still has the right to it. Whoever looks will wait again,
// so it does not matter who does first.
func (w *world) idle(now []move) bool {
	for _, m := range now {
		ref, ok := w.walk.looks[m.who]
		if !ok || !strings.HasPrefix(m.what, "get ") {
			return false
		}
		r := w.ledger.records[ref.ref]
		if r == nil || r != ref.last || !w.now.Before(r.Lease.Until) {
			return false
		}
	}
	return true
}

// happen makes a move.
func (w *world) happen(m move) {
	k := w.walk
	k.steps++
	k.begin(m.who, m.what)
	if m.p != nil {
		m.p.ticks = slices.DeleteFunc(m.p.ticks, func(x *tick) bool { return x == m.tick })
		m.tick.ch <- w.now
		return
	}
	for i := range w.queue {
		if w.queue[i].seq == m.seq {
			e := w.queue[i]
			heap.Remove(&w.queue, i)
			e.run()
			break
		}
	}
	switch {
	case strings.HasPrefix(m.who, "timer of "): // who waited asks again, and that counts
	case strings.HasPrefix(m.what, "is told ") && m.what != "is told pending" && !k.waits[m.who]:
		// The request has its answer: nothing that it saw on the way counts.
		for who := range k.past {
			if strings.HasPrefix(who, m.who+"@") {
				delete(k.past, who)
			}
		}
		k.past[m.who] = k.sum(m.who, k.what)
	default:
		if m.what == "is told pending" {
			k.waits[m.who] = true // its work goes on without it
		}
		k.past[m.who] = k.sum(m.who, k.what, k.past[m.who], k.learnt)
	}
}

// sum is a hash of everything given.
func (k *walker) sum(who, what string, more ...uint64) uint64 {
	var h maphash.Hash
	h.SetSeed(k.seed)
	h.WriteString(who)
	h.WriteByte(0)
	h.WriteString(what)
	for _, x := range more {
		for range 8 {
			h.WriteByte(byte(x))
			x >>= 8
		}
	}
	return h.Sum64()
}

// record is the hash of a record, which is never changed once it is in a ledger.
func (k *walker) record(r *payment.Record) uint64 {
	if r == nil {
		return 1
	}
	if x, ok := k.hashes[r]; ok {
		return x
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	x := k.sum("", string(text))
	k.hashes[r] = x
	return x
}

// outside is the hash of what lies outside the engines: ledger, provider, shop
// and network. Sums, because a map's order is nobody's business.
func (w *world) outside() (x uint64) {
	k := w.walk
	for ref, r := range w.ledger.records {
		x += k.sum(string(ref), "record", k.record(r))
	}
	for key, ref := range w.ledger.keys {
		x += k.sum(string(ref), string(key.Kind)+key.Parts[1]+key.Parts[2])
	}
	for i, u := range w.ledger.tail {
		x += k.sum(string(u.ref), "tail", uint64(i), k.record(u.old))
	}
	for _, d := range w.bank.deals {
		x += k.sum(d.id, d.order+d.fate(), k.instant(w, d.paidAt), k.instant(w, d.verifiedAt))
	}
	for id, n := range w.shop.byID {
		x += k.sum(id, "credited", uint64(n))
	}
	for order, ids := range w.shop.byOrder {
		x += k.sum(order, strings.Join(ids, " "))
	}
	for e, tries := range w.network.tries {
		x += k.sum(e, "reported", uint64(len(tries)), uint64(len(w.network.counted)))
	}
	return x + k.sum("", "the provider's troubles", k.instant(w, w.bank.keyUntil), k.instant(w, w.bank.downUntil))
}

func (k *walker) instant(w *world, t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.Sub(w.began)) + 1
}

// fingerprint is the hash of all that decides how the world can go on.
func (w *world) fingerprint() uint64 {
	k := w.walk
	b := k.left
	who := k.who
	if b.switches < 0 {
		who = "" // whoever goes on does so at no cost
	}
	x := w.outside() + k.sum(who, "bounds", k.instant(w, w.now), uint64(b.crashes), uint64(b.troubles), uint64(b.lags), uint64(b.switches))
	for _, e := range w.queue {
		x += k.sum(e.who, e.what, k.instant(w, e.at))
	}
	for _, n := range w.nodes {
		if p := n.now; p != nil {
			broken := ""
			if p.broken != nil {
				broken = "broken"
			}
			x += k.sum(p.name, broken, k.instant(w, p.paused))
			for _, t := range p.ticks {
				x += k.sum(p.name, "tick", k.instant(w, t.since))
			}
		}
	}
	for who, past := range k.past {
		x += k.sum(who, "past", past)
	}
	w.mu.Lock()
	for ref, names := range w.alerts {
		x += k.sum(string(ref), strings.Join(names, " "))
	}
	w.mu.Unlock()
	return x
}

// forgetPast: a process died, and with it all that its actors knew.
func (k *walker) forgetPast(p *process) {
	for who := range k.past {
		if strings.HasSuffix(who, "@"+p.name) || strings.HasPrefix(who, p.name+"/") || who == p.name {
			delete(k.past, who)
		}
	}
}

// atRest: a worker has done all that it found, and knows nothing of it any more.
func (k *walker) atRest(p *process, worker int) {
	who := p.name + "/worker" + itoa(worker)
	for _, c := range p.calls {
		if !c.over && c.who == who {
			return
		}
	}
	delete(k.past, who)
}
