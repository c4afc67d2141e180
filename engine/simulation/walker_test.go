package simulation

import (
	"hash/maphash"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// bounds are how much may happen in one walk that is out of the ordinary.
type bounds struct {
	// crashes of a process, with or without the loss of what was not synced.
	crashes int
	// troubles are answers of provider, shop, network and store other than the
	// plain one.
	troubles int
	// lags are times that a clock goes on while something could have happened.
	lags int
	// switches are the times that an actor is overtaken, though it could go on.
	// One that waits is left for another at no cost.
	switches int
}

// look is a read of a record, and what it gave.
type look struct {
	ref  payment.Ref
	last *payment.Record
}

// made is one choice: which of how many.
type made struct{ at, of int }

// walker takes the choices of one world from a sequence, and the first of what
// there is where the sequence has ended.
type walker struct {
	prefix []int
	made   []made
	left   bounds
	// on: what is before and after is always the same.
	on bool
	// twins are alike: the second does not set out before the first.
	twins map[string]string
	// seen are the states that earlier walks were in; nil where nothing is
	// pruned. pruned: this one came to such a state and ended there.
	seen   map[uint64]struct{}
	pruned bool
	seed   maphash.Seed
	// past is what each actor has been through: it is all that its next step
	// depends on, beside what lies outside.
	past map[string]uint64
	// who and what are happening now, and what came of it so far.
	who, what string
	kids      int
	learnt    uint64
	// waits are the customers who were told to wait.
	waits map[string]bool
	// looks are what an actor's last read gave.
	looks  map[string]look
	hashes map[*payment.Record]uint64
	steps  int
}

func newWalker(prefix []int, left bounds, seen map[uint64]struct{}, seed maphash.Seed) *walker {
	return &walker{prefix: prefix, left: left, seen: seen, seed: seed, past: make(map[string]uint64), hashes: make(map[*payment.Record]uint64), waits: make(map[string]bool), looks: make(map[string]look)}
}

// choose takes one of n.
func (k *walker) choose(n int) int {
	if !k.on || n < 2 {
		return 0
	}
	at := 0
	if i := len(k.made); i < len(k.prefix) {
		at = min(k.prefix[i], n-1)
	}
	k.made = append(k.made, made{at, n})
	if at > 0 {
		k.what += "+" + itoa(at)
	}
	return at
}

// beyond: what happens now has not happened in an earlier walk.
func (k *walker) beyond() bool { return len(k.made) >= len(k.prefix) }

// strikes chooses whether a fault does.
func (k *walker) strikes(w *world, f fault) bool {
	left := &k.left.troubles
	switch f {
	case crashBefore, crashAfter:
		left = &k.left.crashes
	case powerCut:
		if left = &k.left.crashes; len(w.ledger.tail) == 0 {
			return false // nothing to lose: no more than a crash
		}
	}
	if !k.on || *left == 0 || w.plan.on[f] == 0 || w.failed() != nil || k.choose(2) == 0 {
		return false
	}
	*left--
	k.what += "+" + f.String()
	return true
}

// branch is a choice that a walk could have made otherwise.
type branch struct {
	made []made // of that walk
	i    int
	at   int
}

// path is the sequence that makes it.
func (b branch) path() []int {
	seq := make([]int, b.i+1)
	for j := range b.i {
		seq[j] = b.made[j].at
	}
	seq[b.i] = b.at
	return seq
}

// branches are the choices that this walk was the first to come to, made
// otherwise.
func (k *walker) branches() (all []branch) {
	for i := len(k.prefix); i < len(k.made); i++ {
		for at := 1; at < k.made[i].of; at++ {
			all = append(all, branch{k.made, i, at})
		}
	}
	return all
}

// sequence is what was chosen, without the end that is chosen anyhow.
func (k *walker) sequence() []int {
	var seq []int
	for i, m := range k.made {
		if m.at > 0 {
			for len(seq) < i {
				seq = append(seq, 0)
			}
			seq = append(seq, m.at)
		}
	}
	return seq
}

// name gives a name to what was caused by what happens now.
func (k *walker) name(e *event) {
	if e.who == "" {
		k.kids++
		e.who, e.what = k.who, k.what+"/"+itoa(k.kids)
	}
}

// begin: what happens from now on is done by who.
func (k *walker) begin(who, what string) { k.who, k.what, k.kids, k.learnt = who, what, 0, 0 }

// step: others can tell when the call happens. What only its caller learns
// happens at once.
func (c *call) step() bool {
	return c.pace != atOnce && !strings.HasPrefix(c.what, "holder of the intent") || c.what == "sets out" || strings.HasPrefix(c.what, "report ")
}

// effect: something outside has changed by it. A crash after anything else is
// one after the last that had, or before anything happened.
func (c *call) effect() bool {
	for _, p := range []string{"commit ", "forget ", "verify ", "inquire ", "deliver ", "report ", "create "} {
		if strings.HasPrefix(c.what, p) {
			return true
		}
	}
	return false
}

// restarts: a process comes back before its leases end, or long after.
func restarts() []time.Duration { return []time.Duration{100 * time.Millisecond, 30 * time.Second} }

// learns notes what a read gave to its caller.
func (k *walker) learns(what any) {
	if k == nil {
		return
	}
	switch x := what.(type) {
	case *payment.Record:
		k.learnt = k.record(x)
		k.looks[k.who] = look{x.Ref, x}
	case payment.Ref:
		k.learnt = k.sum("", string(x))
	case error:
		k.learnt = k.sum("", x.Error())
	case int:
		k.learnt = uint64(x) + 1
	}
}

// describe is an answer in words: all that its caller learns.
func describe(about any) string {
	var b strings.Builder
	add := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
			b.WriteByte(' ')
		}
	}
	switch a := about.(type) {
	case payment.Answer:
		add("the provider answers", outcome(a.Outcome), string(a.Reason), a.Code, a.RetryAfter.String())
		if a.Unsent {
			add("unsent")
		}
		if rc := a.Receipt; rc != nil {
			add(rc.ID, rc.Order, itoa(int(rc.Amount)), rc.Number, rc.VerifiedAt.Format(time.RFC3339Nano))
		}
	case engine.Handed:
		add("the shop answers", itoa(a.Status))
		if a.Unsent {
			add("unsent")
		}
	case payment.ReportAnswer:
		add("the network answers", a.Code)
	}
	return b.String()
}
