package simulation

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

const askTimeout = 8 * time.Second

// shape is a kind of provider.
type shape struct {
	name   string
	traits payment.Terms
	// inquires: it can be asked without settling. verifyTime: "already" comes
	// with a time. date: its answers carry its clock. number: a receipt number.
	inquires, verifyTime, date, number bool
	// denies: a verify of what is verified is answered with a "no".
	denies bool
	// bare: "already" says nothing else; an inquiry does.
	bare bool
	// hints: a return says in a documented way that nothing was paid.
	hints bool
}

var (
	idpayTraits   = live(payment.Protocol{AnswersOrder: true, AnswersAmount: true, TellsFirst: true, GivesBack: true, Window: 10 * time.Minute})
	samaTraits    = live(payment.Protocol{SendsAmount: true, TellsFirst: true})
	invoiceTraits = live(payment.Protocol{AnswersAmount: true})
	zarinTraits   = live(payment.Protocol{AnswersOrder: true, SendsAmount: true, TellsFirst: true, GivesBack: true})
)

func live(p payment.Protocol) payment.Terms {
	return payment.Terms{Protocol: p, Traits: payment.Traits{Issuer: issuer, Environment: "live"}}
}

func shapes() []shape {
	return []shape{
		{name: "idpay", traits: idpayTraits, inquires: true, verifyTime: true, date: true, number: true, hints: true},
		{name: "idpay without a Date", traits: idpayTraits, inquires: true, verifyTime: true, number: true, hints: true},
		{name: "idpay without inquiry", traits: idpayTraits, verifyTime: true, date: true, number: true, hints: true},
		{name: "zarinpal", traits: zarinTraits, inquires: true, hints: true},
		{name: "sama", traits: samaTraits},
		{name: "nextpay", traits: zarinTraits, denies: true},
		{name: "idpay that denies", traits: idpayTraits, inquires: true, verifyTime: true, date: true, number: true, hints: true, denies: true},
		{name: "invoice", traits: invoiceTraits},
	}
}

// deal is one payment as the provider knows it: the truth.
type deal struct {
	id, order string
	amount    payment.Rials
	desk      desk
	made      time.Time
	paidAt    time.Time
	// verifiedAt is when it was verified, ours whether by us.
	verifiedAt time.Time
	ours       bool
	givenBack  bool
	// old: it was used before this ledger began.
	old bool
	// sent is how many verify requests of ours went out for it.
	sent int
	// shown is how it stood when the last request of ours arrived, for traces.
	n int
}

// bank is the provider's side: it only knows its own truth.
type bank struct {
	w     *world
	shape shape
	deals map[string]*deal
	n     int
	skew  time.Duration
	// downUntil and keyUntil are the ends of longer troubles.
	downUntil, keyUntil time.Time
	// slow is how the gateway is late while it is; only worlds of plugins have it.
	slow   slowness
	flying []flight
}

// flight is a verify of ours that has not come back.
type flight struct {
	c  *call
	id string
	at time.Time
}

func (b *bank) make(at desk, id, order string, amount payment.Rials) *deal {
	b.n++
	d := &deal{id: id, order: order, amount: amount, desk: at, made: b.w.now, n: b.n}
	b.deals[id] = d
	return d
}

// pay is the customer paying on the bank's page.
func (b *bank) pay(id string) {
	if d := b.deals[id]; d != nil && d.paidAt.IsZero() {
		d.paidAt = b.w.now
		b.w.note("%s is paid at the bank", id)
		if b.w.awaited(d) {
			b.w.mustBeInTime(d, b.w.now, 6*time.Minute)
		}
	}
}

// window is how long a paid deal waits to be verified; zero: for ever.
func (b *bank) window() time.Duration {
	switch {
	case !b.shape.traits.GivesBack:
		return 0
	case b.shape.traits.Window > 0:
		return b.shape.traits.Window
	}
	return 30 * time.Minute
}

// refresh gives money back whose window has closed.
func (b *bank) refresh(d *deal) {
	if win := b.window(); win > 0 && !d.paidAt.IsZero() && d.verifiedAt.IsZero() && !d.givenBack && b.w.now.Sub(d.paidAt) > win {
		d.givenBack = true
		b.w.note("  …the provider gave %s back", d.id)
	}
}

// verify is what the provider does when a verify arrives.
func (b *bank) verify(q payment.Query, issuer string) payment.Answer {
	d := b.at(q.ID, issuer)
	switch {
	case d == nil, b.shape.traits.AnswersOrder && q.Order != d.order:
		return payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID, Code: "53"}
	case b.shape.traits.SendsAmount && q.Amount != 0 && q.Amount != d.amount:
		return payment.Answer{Outcome: payment.OutcomeDoubt, Reason: payment.ReasonAmount, Code: "-50"}
	}
	b.refresh(d)
	switch {
	case d.paidAt.IsZero():
		return payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid, Code: "1"}
	case d.givenBack:
		return payment.Answer{Outcome: payment.OutcomeClosed, Reason: payment.ReasonReturned, Code: "200"}
	case d.verifiedAt.IsZero():
		d.verifiedAt, d.ours = b.w.now, true
		b.w.note("  …%s is verified at the provider", d.id)
		return payment.Answer{Outcome: payment.OutcomePaid, Code: "100", Receipt: b.receipt(d)}
	case b.shape.denies:
		return payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID, Code: "-49"}
	case !b.shape.traits.TellsFirst:
		return payment.Answer{Outcome: payment.OutcomePaid, Code: "1", Receipt: b.receipt(d)}
	}
	return payment.Answer{Outcome: payment.OutcomeAgain, Code: "101", Receipt: b.receipt(d)}
}

// inquire answers without changing anything.
func (b *bank) inquire(q payment.Query, issuer string) payment.Answer {
	d := b.at(q.ID, issuer)
	if d == nil {
		return payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID, Code: "53"}
	}
	b.refresh(d)
	switch {
	case d.paidAt.IsZero():
		return payment.Answer{Outcome: payment.OutcomeOpen, Code: "1"}
	case d.givenBack:
		return payment.Answer{Outcome: payment.OutcomeClosed, Reason: payment.ReasonReturned, Code: "200"}
	case d.verifiedAt.IsZero():
		return payment.Answer{Outcome: payment.OutcomeAwaiting, Code: "10", Receipt: b.receipt(d)}
	}
	return payment.Answer{Outcome: payment.OutcomeAgain, Code: "101", Receipt: b.receipt(d)}
}

func (b *bank) receipt(d *deal) *payment.Receipt {
	t := b.shape.traits
	rc := &payment.Receipt{ID: d.id, Reference: "rrn-" + d.id, Card: "603799******1234"}
	if t.AnswersOrder {
		rc.Order = d.order
	}
	if t.AnswersAmount {
		rc.Amount = d.amount
	}
	if b.shape.number {
		rc.Number = "number-" + d.id
	}
	if b.shape.verifyTime && !d.verifiedAt.IsZero() {
		rc.VerifiedAt = d.verifiedAt.Add(b.skew)
	}
	return rc
}

// distort makes an answer wrong, as a fault says.
func (b *bank) distort(a *payment.Answer) {
	rc, w := a.Receipt, b.w
	if rc == nil {
		return
	}
	known := w.plan.mode != modeNone // otherwise nobody could tell
	switch {
	case known && rc.Amount != 0 && w.strikes(wrongAmount):
		rc.Amount++
	case known && rc.Amount != 0 && w.strikes(tenfold):
		rc.Amount *= 10
	case rc.Order != "" && w.strikes(wrongOrder):
		rc.Order += "-other"
	case w.strikes(wrongID):
		rc.ID += "-other"
	}
}
