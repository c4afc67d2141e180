package wire

import (
	"fmt"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
)

// Codes is a gateway's table of codes.
type Codes map[int64]Meaning

// Meaning is what a code says about a payment that we asked about, and about one that
// could not be created.
type Meaning struct {
	Outcome payment.Outcome
	Reason  payment.Reason
	// Unmade is true if a payment was certainly not created, Owner if the shop's owner
	// can mend that.
	Unmade, Owner bool
}

// What codes of most gateways mean.
var (
	// Operator codes are the owner's to mend, whatever was called.
	Operator = Meaning{Outcome: payment.OutcomeOperator, Reason: payment.ReasonOperator, Unmade: true, Owner: true}
	// AtCreate codes speak of what the buyer or the shop has written into create, Settings
	// codes of what the owner has; elsewhere they say nothing.
	AtCreate = Meaning{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBadAnswer, Unmade: true}
	Settings = Meaning{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBadAnswer, Unmade: true, Owner: true}
	// Silent codes say nothing: they are of trouble at the gateway, or of other calls.
	Silent = Meaning{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBadAnswer}
)

// Answer returns a with what a code means; text is how the code is shown. A code that is
// not in the table leaves the payment unknown.
func (c Codes) Answer(a payment.Answer, code int64, text string) payment.Answer {
	m, known := c[code]
	switch {
	case !known:
		return Unread(a, payment.ReasonBadAnswer, text, nil)
	case m.Outcome == payment.OutcomeUnknown:
		return Unread(a, m.Reason, text, nil)
	}
	return Settle(a, m.Outcome, m.Reason, text)
}

// Refused returns the error of a create that was answered with a code. Codes that don't
// speak of create may have made a payment.
func (c Codes) Refused(kind string, code int64) error {
	m := c[code]
	if !m.Unmade {
		return fmt.Errorf("%s: create: code %d: %w", kind, code, ErrAnswer)
	}
	return Refused(kind, strconv.FormatInt(code, 10), m.Owner)
}
