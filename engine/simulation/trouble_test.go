package simulation

import (
	"context"
	"time"
)

// schedule plans what goes wrong by itself, at some time before all is healed.
func (w *world) schedule() {
	sometime := func(f fault, run func()) {
		if w.plan.on[f] == 0 {
			return
		}
		for range 1 + w.lot.IntN(2) {
			w.in(w.lot.between(time.Second, w.plan.healAt), func() {
				if !w.healed && len(w.struck) < w.plan.most && w.happens(f) {
					run()
				}
			})
		}
	}
	sometime(sigstop, func() {
		if p := w.somebody(); p != nil {
			p.paused, p.stood = w.now.Add(w.lot.between(time.Second, 3*time.Minute)), true
			w.troubled(p.paused)
		}
	})
	sometime(sigterm, w.terminate)
	sometime(reload, func() {
		if p := w.somebody(); p != nil {
			p.configure()
		}
	})
	sometime(badReload, func() {
		until := w.now.Add(w.lot.between(time.Second, 5*time.Minute))
		w.routeless = true
		w.troubled(until)
		w.at(until, func() { w.routeless = false })
	})
	for range w.plan.refunds {
		w.in(w.lot.between(time.Second, w.plan.healAt), func() {
			if !w.healed {
				w.refund()
			}
		})
	}
	sometime(clockAhead, func() {
		w.skewed = true
		n := w.nodes[w.lot.IntN(len(w.nodes))]
		n.skew += w.lot.between(-20*time.Minute, 20*time.Minute)
	})
	sometime(clockBack, func() {
		w.skewed = true
		n := w.nodes[w.lot.IntN(len(w.nodes))]
		n.skew -= w.lot.between(time.Second, time.Hour)
	})
	sometime(providerClock, func() { w.bank.skew = w.lot.between(-15*time.Minute, 15*time.Minute) })
	sometime(ledgerLost, func() { w.replaceLedger(nil) })
	sometime(backupRestored, func() {
		if w.backup != nil {
			w.replaceLedger(w.backup.copy())
		}
	})
}

// somebody is a running process, if there is one.
func (w *world) somebody() *process {
	first := w.lot.IntN(len(w.nodes))
	for i := range w.nodes {
		if p := w.nodes[(first+i)%len(w.nodes)].now; p != nil {
			return p
		}
	}
	return nil
}

// terminate stops a node as a service manager does: in order, with a grace
// period.
func (w *world) terminate() {
	p := w.somebody()
	if p == nil {
		return
	}
	for _, stop := range p.stop {
		stop()
	}
	eng := p.eng
	go func() { _ = eng.Close(context.Background()) }()
	w.in(w.lot.between(10*time.Millisecond, 30*time.Second), func() { w.kill(p, false) })
	w.troubled(w.now.Add(30 * time.Second))
}

// replaceLedger puts another ledger in the place of this one; a new generation
// begins, and every node starts anew.
func (w *world) replaceLedger(l *ledger) {
	if l == nil {
		l = newLedger(w.now, w.ledger.mark)
	}
	for _, n := range w.nodes {
		if n.now != nil {
			w.kill(n.now, false)
		}
	}
	w.watch.replaced(w, l)
	l.gen = w.ledger.gen
	l.gen.Seq++
	l.gen.Start = w.now
	if !w.plan.joined {
		l.gen.Start = w.now.Add(w.nodes[0].skew)
	}
	w.ledger = l
	w.note("the ledger is in generation %d", l.gen.Seq)
}

// heal ends all that is wrong.
func (w *world) heal() {
	w.healed, w.full, w.routeless = true, false, false
	if w.walk != nil {
		w.walk.on = false
	}
	w.note("all is well from now on")
	w.bank.downUntil, w.bank.keyUntil, w.bank.skew, w.network.badKey = time.Time{}, time.Time{}, 0, false
	for _, n := range w.nodes {
		n.skew = 0
		if n.now != nil && n.now.away {
			n.now.back()
		}
		switch {
		case n.now == nil:
			n.start()
		case n.now.broken != nil:
			w.kill(n.now, false)
		default:
			n.now.paused = w.now
			n.now.configure()
		}
	}
}
