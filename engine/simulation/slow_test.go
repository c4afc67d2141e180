package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// A gateway may answer later than a plugin waits, than we wait ourselves, or than we let a
// plugin wait. It decides when a call arrives, or just before it answers, and answers some
// calls at once all the same.

// slowness is how a gateway is late.
type slowness struct {
	until time.Time
	// most is the longest that a call has been kept so far.
	most time.Duration
	// beside: a question of our own went out beside a shop's.
	beside bool
	// ours: a question of our own beside a shop's settled a payment.
	ours bool
}

// late is how much later than usual the gateway decides about a call, and how much later it
// answers then.
func (b *bank) late(p *process, c *call) (decides, back time.Duration) {
	w := b.w
	if w.plugin == nil {
		return 0, 0
	}
	if w.strikes(gatewaySlow) {
		b.slow.until = w.now.Add(w.lot.between(5*time.Second, 5*time.Minute))
		w.troubled(b.slow.until)
	}
	if !w.now.Before(b.slow.until) || w.lot.chance(0.2) {
		return 0, 0
	}
	d := w.lot.near(askTimeout, w.plugin.relayed, w.plugin.patience)
	b.slow.most = max(b.slow.most, d)
	w.note("  …%s takes %s", c.what, d)
	if w.strikes(crashAfter) {
		w.in(w.lot.between(0, d), func() { w.kill(p, false) })
	}
	if w.lot.chance(0.3) {
		return d, 0
	}
	return 0, d
}

// near is a duration around one of some bounds: below it, at it, above it, or between all.
func (l lot) near(bounds ...time.Duration) time.Duration {
	d := bounds[l.IntN(len(bounds))]
	switch l.IntN(6) {
	case 0:
		d -= time.Millisecond
	case 1:
	case 2:
		d += time.Millisecond
	case 3:
		d -= l.between(0, time.Second)
	case 4:
		d += l.between(0, time.Second)
	case 5:
		d = l.between(0, 40*time.Second)
	}
	return max(d, 0)
}

// waits draws how long the relay lets a call take, and in some worlds a plugin that waits
// about as long as a bound.
func (s *plugin) waits(l lot) {
	s.relayed = payment.RelayPatience
	switch l.IntN(6) {
	case 0:
		s.relayed = askTimeout // as with a written time-out
	case 1:
		s.relayed = l.between(askTimeout, 40*time.Second)
	}
	if s.w.plan.on[gatewaySlow] > 0 && s.patience > 0 && l.chance(0.5) {
		s.patience = max(l.near(askTimeout, s.relayed), time.Second)
	}
}

// hangsUp lets a caller that doesn't wait any longer go on at once. What it has sent arrives.
func (x *bankPort) hangsUp(ctx context.Context, c *call) (stop func() bool) {
	w := x.p.w
	return context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return // as it was planned
		}
		w.submit(&call{who: c.who, what: "hangs up on " + c.what + " #" + itoa(c.n), fire: func(*call) {
			if !c.over {
				w.note("%s: hangs up on %s", c.who, c.what)
				w.wake(c)
			}
		}, wake: make(chan struct{})})
	})
}

// wrong: something but the gateway's slowness went wrong, or that was more than the relay
// lets a plugin wait for.
func (s *plugin) wrong() bool {
	w := s.w
	if w.bank.shape.denies && w.bank.slow.ours {
		return true // where that question's answer is lost, nobody can hear "first"
	}
	if w.bank.shape.bare && w.bank.slow.beside {
		return true // what its "already verified" was for takes another call, which may be slow, too
	}
	bound := min(s.relayed, payment.RelayPatience)
	if s.settling != nil {
		bound = askTimeout // it is we who ask
	}
	return w.bank.slow.most > 0 && w.bank.slow.most+time.Second > bound ||
		slices.ContainsFunc(w.struck, func(x strike) bool { return x.kind != gatewaySlow })
}

// outwaits: the plugin waits longer than any answer has taken so far.
func (s *plugin) outwaits(margin time.Duration) bool {
	return s.patience == 0 || s.patience > s.w.bank.slow.most+time.Second+margin
}
