package zarinpal

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The codes that are no errors.
const (
	codeDone  = 100
	codeAgain = 101
)

const codeValidation = -9

// unknown codes say that there is no such payment.
var unknown = wire.Meaning{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}

// errorCodes is the whole error table (Zarinpal v4), except −9, whose field decides.
var errorCodes = wire.Codes{
	-2: wire.AtCreate, -3: wire.AtCreate, -4: wire.AtCreate, -5: wire.AtCreate, // older parts of −9
	-10: wire.Operator, -11: wire.Operator, // merchant or address; merchant not active
	-12: {Outcome: payment.OutcomeBusy, Reason: payment.ReasonBusy, Unmade: true}, // too many attempts
	-13: wire.Operator,                                                            // the terminal's limit
	-14: wire.Settings,                                                            // callback of another domain
	-15: wire.Operator, -16: wire.Operator, -17: wire.Operator, -18: wire.Operator, -19: wire.Operator,
	-30: wire.Settings, -31: wire.Settings, -32: wire.Settings, -33: wire.Settings, -34: wire.Settings,
	-35: wire.Settings, -36: wire.Settings, -37: wire.Settings, -38: wire.Settings, -39: wire.Settings,
	-40: wire.AtCreate, -41: wire.AtCreate, // expire_in; above the greatest amount
	// Whoever paid another amount than ours has paid something: never "not paid".
	-50: {Outcome: payment.OutcomeDoubt, Reason: payment.ReasonAmount},
	-51: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid},
	-52: wire.Silent,                         // unexpected
	-53: unknown, -54: unknown, -55: unknown, // another merchant's; invalid; not found
	-60: wire.Silent, -61: wire.Silent, -62: wire.Silent, -63: wire.Silent, // of reverse
	429: wire.Settings, // the referrer's code
}

// The states of a payment (inquiry).
const (
	stateVerified = "VERIFIED"
	statePaid     = "PAID"
	stateInBank   = "IN_BANK"
	stateFailed   = "FAILED"
	stateReversed = "REVERSED"
)
