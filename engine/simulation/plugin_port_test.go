package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// relayed is the provider as a relay speaks to it: the shop's own calls go through the
// same failing network as ours.
type relayed struct{ *bankPort }

// inquiring adds what only some providers have.
type inquiring struct{ relayed }

// Inquire implements [payment.Inquirer].
func (x *inquiring) Inquire(ctx context.Context, q payment.Query) payment.Answer {
	return (&asking{x.bankPort}).Inquire(ctx, q)
}

// said is a call's body, and answer an answer's.
type (
	said struct {
		ID, Order string
		Amount    payment.Rials
	}
	word struct {
		Word    string
		Outcome payment.Outcome
		Code    string
		Reason  payment.Reason
		Receipt *payment.Receipt
	}
)

// Dialect implements [payment.Relayer].
func (relayed) Dialect() payment.Dialect { return payment.Dialect{} }

// Owns implements [payment.Relayer].
func (relayed) Owns(payment.RelayCall) (payment.RelayOwner, error) { return payment.RelayOwn, nil }

// ReadCall implements [payment.Relayer].
func (relayed) ReadCall(payment.RelayKind, payment.RelayCall) (payment.RelayAsk, error) {
	return payment.RelayAsk{}, nil
}

// UnpaidParams implements [payment.Relayer].
func (relayed) UnpaidParams() map[string]string { return nil }

// ForwardCall implements [payment.Relayer].
func (x relayed) ForwardCall(ctx context.Context, c payment.RelayCall) payment.RelayReply {
	return x.call(ctx, c, func(at *call, q payment.Query) { x.p.w.asked(x.p, at, q, x.desk.issuer) })
}

// pass is a call that nothing is recorded of.
func (x relayed) pass(ctx context.Context, c payment.RelayCall) payment.RelayReply {
	return x.call(ctx, c, func(*call, payment.Query) {})
}

func (x relayed) call(ctx context.Context, c payment.RelayCall, leaves func(*call, payment.Query)) payment.RelayReply {
	var q said
	_ = json.Unmarshal(c.Body, &q)
	w := x.p.w
	if c.Path == "create" {
		a := x.send(ctx, "create "+q.Order, func(*call) {}, func() payment.Answer {
			id := x.b.nextID()
			x.b.make(x.desk, id, q.Order, q.Amount)
			return payment.Answer{Outcome: payment.OutcomePaid, Code: id}
		})
		r := reply(a)
		if a.Outcome == payment.OutcomePaid {
			r.Body = []byte(a.Code)
		}
		return r
	}
	ask := payment.Query{ID: q.ID, Order: q.Order, Amount: q.Amount}
	if c.Path == "reverse" {
		return reply(x.send(ctx, "reverse "+q.ID, func(*call) {}, func() payment.Answer { return x.b.reverse(q.ID) }))
	}
	var sent *call
	a := x.send(ctx, "verify "+q.ID, func(c *call) { leaves(c, ask); sent = c }, func() payment.Answer {
		if d := x.b.at(q.ID, x.desk.issuer); d != nil && !d.paidAt.IsZero() && d.verifiedAt.IsZero() && w.strikes(usedElsewhere) {
			d.verifiedAt = w.now
			w.note("  …but another system verifies it first")
		}
		answer := x.b.verify(ask, x.desk.issuer)
		if answer.Outcome == payment.OutcomePaid && sent.beside {
			x.b.slow.ours = true
		}
		return answer
	})
	if a.Outcome == payment.OutcomeAgain && x.b.shape.bare {
		a.Receipt = &payment.Receipt{}
	}
	return reply(a)
}

// reverse gives a verified payment back.
func (b *bank) reverse(id string) payment.Answer {
	d := b.deals[id]
	if d == nil || d.verifiedAt.IsZero() || d.givenBack {
		return payment.Answer{Outcome: payment.OutcomeRefused, Code: "-61"}
	}
	d.givenBack = true
	b.w.note("  …%s is reversed", id)
	return payment.Answer{Outcome: payment.OutcomePaid, Code: "100", Receipt: &payment.Receipt{}}
}

func reply(a payment.Answer) payment.RelayReply {
	r := payment.RelayReply{Unsent: a.Unsent, Err: a.Err, RetryAfter: a.RetryAfter, Offset: a.Offset, HasOffset: a.HasOffset}
	switch {
	case a.Outcome != payment.OutcomeUnknown:
		r.Status, r.Err = 200, nil
	case a.Reason == payment.ReasonBadAnswer:
		r.Status, r.Err = 502, nil
	}
	r.Body, _ = json.Marshal(word{"", a.Outcome, a.Code, a.Reason, a.Receipt})
	return r
}

// ReadCreated implements [payment.Relayer].
func (relayed) ReadCreated(r payment.RelayReply) (string, bool) {
	return string(r.Body), r.Status == 200 && !bytes.HasPrefix(r.Body, []byte("{"))
}

// ReadVerified implements [payment.Relayer].
func (relayed) ReadVerified(r payment.RelayReply) payment.Answer {
	var v word
	_ = json.Unmarshal(r.Body, &v)
	return payment.Answer{
		Outcome: v.Outcome, Code: v.Code, Reason: v.Reason, Receipt: v.Receipt, Unsent: r.Unsent, Err: r.Err,
		RetryAfter: r.RetryAfter, Offset: r.Offset, HasOffset: r.HasOffset,
	}
}

// ReadGivenBack implements [payment.Relayer].
func (x relayed) ReadGivenBack(r payment.RelayReply) payment.Outcome {
	switch o := x.ReadVerified(r).Outcome; o {
	case payment.OutcomePaid, payment.OutcomeRefused:
		return o
	}
	return payment.OutcomeUnknown
}

// WriteReply implements [payment.Relayer].
func (relayed) WriteReply(v payment.RelayWord, _ payment.RelayAsk, _ *payment.Record) payment.RelayReply {
	said := [...]string{"first", "again", "awaiting", "other amount", "down", "no such call", "forbidden", "unreadable", "unknown"}
	b, _ := json.Marshal(word{Word: said[v]})
	return payment.RelayReply{Status: 200, Body: b}
}

// hears is what a plugin makes of an answer: "first", "again", "no", or "" where it can
// make nothing of it.
func hears(r payment.RelayReply) string {
	var v word
	if r.Status != 200 || json.Unmarshal(r.Body, &v) != nil {
		return ""
	}
	switch {
	case v.Word == "first" || v.Word == "again":
		return v.Word
	case v.Word != "":
		return "no"
	case v.Outcome == payment.OutcomePaid:
		return "first"
	case v.Outcome == payment.OutcomeAgain:
		return "again"
	}
	return "no"
}

// relayPort is the provider of a world whose shops ask for themselves.
func (b *bank) relayPort(p *process, at desk) payment.Provider {
	port := &bankPort{b, p, at}
	if b.shape.inquires {
		return &inquiring{relayed{port}}
	}
	return &relayed{port}
}

// linkLife is longer than any link of a create may be paid.
const linkLife = 32 * 24 * time.Hour

// Interface guards.
var (
	_ payment.Relayer  = (*relayed)(nil)
	_ payment.Relayer  = (*inquiring)(nil)
	_ payment.Inquirer = (*inquiring)(nil)
)
