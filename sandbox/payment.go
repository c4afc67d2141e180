package sandbox

import (
	"cmp"
	"errors"
	"time"
)

// The states of a payment as the ledger names them.
const (
	StateCreated   = "created"   // the payer has not come yet
	StateOpened    = "opened"    // the bank page was shown
	StatePaid      = "paid"      // paid, not verified
	StateVerified  = "verified"  // verified: the merchant keeps the money
	StateSettled   = "settled"   // paid out to the merchant
	StateDeclined  = "declined"  // the bank refused the card
	StateCancelled = "cancelled" // the payer gave up on the bank page
	StateReversed  = "reversed"  // not verified in time, money went back
	StateRefunded  = "refunded"  // given back by the merchant
)

// The buttons of the bank page, and what else /_control can do to a payment.
const (
	ActionPay     = "pay"     // pay and return
	ActionDecline = "decline" // the bank refuses; return
	ActionCancel  = "cancel"  // the payer cancels; return
	ActionClose   = "close"   // pay, close the tab: paid but never returns
	ActionAbandon = "abandon" // leave without paying, never return
	ActionReturn  = "return"  // send the same return once more
	ActionRefund  = "refund"  // give the money back (not on the bank page)
	ActionSettle  = "settle"  // pay out to the merchant (not on the bank page)
)

var (
	errFinished      = errors.New("this payment is finished; its state no longer allows that")
	errNothingToSend = errors.New("this payment has not been paid, declined or cancelled, so there is no return to send")
	errUnknownAction = errors.New("unknown action; it is pay, decline, cancel, close, abandon, return, refund or settle")
)

// payment is one payment at one provider. All fields are guarded by state.mu.
type payment struct {
	provider string
	id       string
	order    string
	amount   int64
	fee      int64
	feeType  string
	callback string
	owner    string // fingerprint of the key that created it
	sandbox  bool   // created in the gateway's own sandbox mode
	unit     int64  // how many rials the merchant's own unit is; 0 if the gateway has but one
	// reversible: the merchant asked at create to be able to undo it.
	reversible bool
	auto       bool // the gateway verifies by itself, as the merchant asked for
	payer      [4]string
	given      map[string]bool // the merchant's numbers of its refunds
	link       string

	state      string
	claim      string // what the last return said: paid, declined or cancelled
	settings   Settings
	trackID    string
	bankRef    string
	card       string
	hashedCard string

	created, opened, finished, paid, verified, settledAt, refundedAt time.Time

	verifyCalls, verifyFirst, verifyAgain, verifyRefused int
	inquiries, returns                                   int
	inFlight, inFlightMax                                int
	settled, refunded                                    int64
}

// checkWindow gives the money back when the verify window has passed. It is
// called before every look at a payment, so no timer is needed and an advanced
// clock acts at once.
func (p *payment) checkWindow(now time.Time, window time.Duration) {
	if p.state != StatePaid || window <= 0 || now.Sub(p.paid) <= window {
		return
	}
	p.state = StateReversed
	p.settled = 0
	p.refunded = p.payable()
	p.refundedAt = p.paid.Add(window)
}

// payable returns what the payer pays: the price, and the fee where the payer bears it.
func (p *payment) payable() int64 {
	if p.feeType == "buyer" {
		return p.amount + p.fee
	}
	return p.amount
}

func (p *payment) open(now time.Time) {
	if p.opened.IsZero() {
		p.opened = now
	}
	if p.state == StateCreated {
		p.state = StateOpened
	}
}

// unpaid says whether the bank page may still take the payment. A declined or
// cancelled one may be tried again, as on a real bank page.
func (p *payment) unpaid() bool {
	switch p.state {
	case StateCreated, StateOpened, StateDeclined, StateCancelled:
		return true
	}
	return false
}

// act does what a button does. It reports whether the browser goes back to the
// merchant.
func (p *payment) act(action string, now time.Time) (returns bool, err error) {
	switch action {
	case ActionPay, ActionClose:
		return action == ActionPay, p.pay(now)
	case ActionDecline:
		return true, p.fail(StateDeclined, now)
	case ActionCancel:
		return true, p.fail(StateCancelled, now)
	case ActionAbandon:
		p.open(now)
		return false, nil
	case ActionReturn:
		if p.claim == "" {
			return false, errNothingToSend
		}
		return true, nil
	case ActionRefund:
		return false, p.refund(now)
	case ActionSettle:
		return false, p.settle(now)
	}
	return false, errUnknownAction
}

func (p *payment) pay(now time.Time) error {
	switch {
	case p.unpaid():
		p.open(now)
		p.state, p.claim = StatePaid, StatePaid
		p.paid, p.finished = now, now
		if registered[p.provider].window == nil {
			p.settled = p.amount // nothing has to be verified
		}
	case p.state == StateReversed || p.state == StateRefunded:
		return errFinished
	}
	// A second click on Pay changes nothing and returns the same way.
	return nil
}

func (p *payment) fail(to string, now time.Time) error {
	if !p.unpaid() {
		return errFinished
	}
	p.open(now)
	p.state, p.claim, p.finished = to, to, now
	return nil
}

func (p *payment) refund(now time.Time) error {
	switch p.state {
	case StatePaid, StateVerified, StateSettled:
		p.state, p.refundedAt = StateRefunded, now
		p.refunded, p.settled = p.payable(), 0
		return nil
	}
	return errFinished
}

// giveBack gives back a part of what was verified, or the rest of it; ok is false
// if there is not so much.
func (p *payment) giveBack(amount int64, now time.Time) (ok bool) {
	if p.state != StateVerified && p.state != StateSettled || amount <= 0 || amount > p.settled {
		return false
	}
	if amount == p.settled && p.refunded == 0 {
		return p.refund(now) == nil
	}
	p.refunded, p.settled, p.refundedAt = p.refunded+amount, p.settled-amount, now
	if p.settled == 0 {
		p.state = StateRefunded
	}
	return true
}

// undone reports whether a payment can still be reversed: for a while after verify.
func (p *payment) undone(now time.Time, within time.Duration) bool {
	return (p.state == StateVerified || p.state == StateSettled) && p.refunded == 0 && now.Sub(p.verified) <= within
}

func (p *payment) settle(now time.Time) error {
	if p.state != StateVerified {
		return errFinished
	}
	p.state, p.settledAt = StateSettled, now
	return nil
}

// verify settles a paid payment. first is true the first time only; ok is
// false when there is nothing to verify.
func (p *payment) verify(now time.Time) (first, ok bool) {
	switch p.state {
	case StatePaid:
		p.state, p.verified = StateVerified, now
		p.settled = p.amount
		p.verifyFirst++
		return true, true
	case StateVerified, StateSettled:
		p.verifyAgain++
		return false, true
	}
	p.verifyRefused++
	return false, false
}

// refused counts a verify call that named this payment, if it named any, and was refused.
func (p *payment) refused(a answer) answer {
	if p != nil {
		p.verifyRefused++
	}
	return a
}

// newPayment makes a payment with everything that a bank would give it.
func (s *Server) newPayment(provider, id string, amount int64) *payment {
	c := s.st.settings[provider]
	p := &payment{
		provider: provider,
		id:       id,
		amount:   amount,
		feeType:  cmp.Or(c.FeeType, "none"),
		state:    StateCreated,
		created:  s.st.clock(),
		trackID:  randomDigits(10),
		bankRef:  cmp.Or(c.BankReference, randomDigits(12)),
	}
	p.card, p.hashedCard = fakeCard()
	if s.opts.Card != "" {
		p.card, p.hashedCard = toldCard(s.opts.Card)
	}
	if c.Fee != nil {
		p.fee = *c.Fee
	}
	return p
}
