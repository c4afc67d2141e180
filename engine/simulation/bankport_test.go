package simulation

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

var errWire = errors.New("no answer")

// bankPort is the provider as a process sees it, over a network that fails.
type bankPort struct {
	b    *bank
	p    *process
	desk desk
}

// asking adds what only some providers have.
type asking struct{ *bankPort }

func (b *bank) port(p *process, at desk) payment.Provider {
	port := &bankPort{b, p, at}
	if b.shape.inquires {
		return &asking{port}
	}
	return port
}

// Traits implements [payment.Provider].
func (x *bankPort) Traits() payment.Traits {
	t := x.b.shape.traits.Traits
	t.Issuer, t.Environment = x.desk.issuer, x.desk.environment
	return t
}

// Protocol implements [payment.Provider].
func (x *bankPort) Protocol() payment.Protocol { return x.b.shape.traits.Protocol }

// CanCreate implements [payment.Creator].
func (x *bankPort) CanCreate() bool { return true }

// ReadReturn implements [payment.Provider]; it is tested where it is written.
func (x *bankPort) ReadReturn(func(string) string) (payment.Claimed, error) {
	return payment.Claimed{}, payment.ErrMalformed
}

// PayPage implements [payment.Provider].
func (x *bankPort) PayPage(*url.URL) (string, bool) { return "", false }

// ReturnParams implements [payment.Provider].
func (x *bankPort) ReturnParams(*payment.Record) map[string]string { return nil }

// Create implements [payment.Creator].
func (x *bankPort) Create(ctx context.Context, o payment.Order) (s payment.Started, err error) {
	w := x.p.w
	err = errWire
	x.p.do(ctx, "create "+o.Number, wire, func(*call) {
		if w.strikes(verifyTimeout) || w.now.Before(x.b.downUntil) {
			return
		}
		s.ID = w.bank.nextID()
		s.PayURL = "https://pay.bank.example/" + s.ID
		x.b.make(x.desk, s.ID, o.Number, o.Amount)
		if !w.strikes(settledTimeout) {
			err = nil
		}
	})
	return s, err
}

func (b *bank) nextID() string { return "K" + itoa(b.n+1) }

// Verify implements [payment.Provider].
func (x *bankPort) Verify(ctx context.Context, q payment.Query) payment.Answer {
	return x.send(ctx, "verify "+q.ID, func(c *call) { x.p.w.asked(x.p, c, q, x.desk.issuer) }, func() payment.Answer {
		if d := x.b.at(q.ID, x.desk.issuer); d != nil && !d.paidAt.IsZero() && d.verifiedAt.IsZero() && x.p.w.strikes(usedElsewhere) {
			d.verifiedAt = x.p.w.now
			x.p.w.note("  …but another system verifies it first")
		}
		return x.b.verify(q, x.desk.issuer)
	})
}

// Inquire implements [payment.Inquirer].
func (x *asking) Inquire(ctx context.Context, q payment.Query) payment.Answer {
	return x.send(ctx, "inquire "+q.ID, func(*call) {}, func() payment.Answer { return x.b.inquire(q, x.desk.issuer) })
}

// send carries a request to the provider and its answer back.
func (x *bankPort) send(ctx context.Context, what string, leaves func(*call), arrives func() payment.Answer) payment.Answer {
	w, b := x.p.w, x.b
	a := payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonNoAnswer, Err: errWire}
	panics, stop := false, func() bool { return true }
	alive := x.p.do(ctx, what, atOnce, func(c *call) {
		c.held, c.n = true, w.seq
		deadline, ok := ctx.Deadline()
		if !ok {
			deadline = w.now.Add(askTimeout)
		}
		reply := func(d time.Duration, answer payment.Answer) {
			w.answer(d, c, answer, func() {
				if !c.over && w.now.Before(deadline) {
					a = answer
					w.note("%s: the answer to %s arrives: %s %s", x.p.name, c.what, outcome(a.Outcome), a.Code)
				}
				w.wake(c)
			})
		}
		w.at(deadline, func() { w.wake(c) })
		stop = x.hangsUp(ctx, c)
		if w.strikes(providerPanic) {
			panics = true
			reply(0, a)
			return
		}
		if w.strikes(providerDown) {
			b.downUntil = w.now.Add(w.lot.between(10*time.Second, 20*time.Minute))
			w.troubled(b.downUntil)
		}
		down := w.now.Before(b.downUntil)
		if w.strikes(verifyUnsent) || down && w.lot.chance(0.5) {
			reply(w.lot.between(0, time.Second), payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonNoAnswer, Unsent: true, Err: errWire})
			return
		}
		leaves(c)
		if down || w.strikes(verifyTimeout) {
			return
		}
		decides, back := b.late(x.p, c)
		w.in(w.lot.takes(wire)+decides, func() { x.arrive(c, back, arrives, reply) })
	})
	stop()
	if alive && panics {
		panic("a provider's module")
	}
	return a
}

// arrive is the provider dealing with a request, whoever is still waiting.
func (x *bankPort) arrive(c *call, late time.Duration, arrives func() payment.Answer, reply func(time.Duration, payment.Answer)) {
	w, b := x.p.w, x.b
	back := w.lot.takes(wire) + late
	if w.strikes(verifyLate) {
		back = w.lot.between(askTimeout-2*time.Second, askTimeout+time.Second)
	}
	if w.strikes(operatorKey) {
		b.keyUntil = w.now.Add(w.lot.between(5*time.Second, 15*time.Minute))
		w.troubled(b.keyUntil)
	}
	switch {
	case w.now.Before(b.keyUntil):
		reply(back, payment.Answer{Outcome: payment.OutcomeOperator, Code: "12", Err: payment.ErrOperator})
		return
	case w.strikes(provider429):
		reply(back, payment.Answer{Outcome: payment.OutcomeBusy, Code: "429", RetryAfter: w.lot.between(0, 2*time.Minute)})
		return
	case w.strikes(provider5xx):
		if w.lot.chance(0.5) {
			arrives()
		}
		reply(back, payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBadAnswer, Err: errWire})
		return
	}
	a := arrives()
	if b.shape.date {
		a.Offset, a.HasOffset = w.now.Add(b.skew).Sub(x.p.Now()), true
	}
	b.distort(&a)
	if w.strikes(settledTimeout) {
		w.note("  …and the answer to %s is lost", c.what)
		return
	}
	reply(back, a)
}

func outcome(o payment.Outcome) string {
	return [...]string{"unknown", "paid", "again", "refused", "closed", "awaiting", "open", "operator", "busy", "doubt"}[o]
}

// Interface guards.
var (
	_ payment.Provider = (*bankPort)(nil)
	_ payment.Creator  = (*bankPort)(nil)
	_ payment.Inquirer = (*asking)(nil)
)
