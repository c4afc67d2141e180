package zarinpal

import "github.com/rahgir/caddy-payments/payment"

// The codes that are no errors.
const (
	codeDone  = 100
	codeAgain = 101
)

const codeValidation = -9

// meaning is what an error code says about a payment that we asked about, and
// about one that could not be created.
type meaning struct {
	outcome payment.Outcome
	reason  payment.Reason
	// unmade is true if a payment was certainly not created, owner where the
	// shop's owner can mend that.
	unmade, owner bool
}

var (
	// operator codes are the owner's to mend, whatever was called.
	operator = meaning{payment.OutcomeOperator, payment.ReasonOperator, true, true}
	// atCreate codes speak of the members of create; elsewhere they say nothing.
	atCreate = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, true, false}
	// shares are settings that the owner can mend, at create only.
	shares = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, true, true}
	// silent codes say nothing: trouble at Zarinpal, or another call's.
	silent  = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, false, false}
	unknown = meaning{payment.OutcomeRefused, payment.ReasonUnknownID, false, false}
)

// errorCodes is the whole error table (Zarinpal v4), except −9, whose field decides.
var errorCodes = map[int64]meaning{
	-2: atCreate, -3: atCreate, -4: atCreate, -5: atCreate, // older parts of −9
	-10: operator, -11: operator, // merchant or address; merchant not active
	-12: {payment.OutcomeBusy, payment.ReasonBusy, true, false},        // too many attempts
	-13: operator,                                                      // the terminal's limit
	-14: {payment.OutcomeUnknown, payment.ReasonBadAnswer, true, true}, // callback of another domain
	-15: operator, -16: operator, -17: operator, -18: operator, -19: operator,
	-30: shares, -31: shares, -32: shares, -33: shares, -34: shares, -35: shares, -36: shares, -37: shares, -38: shares, -39: shares,
	-40: atCreate, -41: atCreate, // expire_in; above the greatest amount
	// Whoever paid another amount than ours has paid something: never "not paid".
	-50: {payment.OutcomeDoubt, payment.ReasonAmount, false, false},
	-51: {payment.OutcomeRefused, payment.ReasonNotPaid, false, false},
	-52: silent,                              // unexpected
	-53: unknown, -54: unknown, -55: unknown, // another merchant's; invalid; not found
	-60: silent, -61: silent, -62: silent, -63: silent, // of reverse
	429: shares, // the referrer's code
}

// The states of a payment (inquiry).
const (
	stateVerified = "VERIFIED"
	statePaid     = "PAID"
	stateInBank   = "IN_BANK"
	stateFailed   = "FAILED"
	stateReversed = "REVERSED"
)
