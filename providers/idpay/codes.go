package idpay

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The states of a transaction (IDPay v1.1, table of states).
const (
	statusNotPaid        = 1
	statusFailed         = 2
	statusError          = 3
	statusBlocked        = 4
	statusReturned       = 5
	statusReversed       = 6
	statusCancelled      = 7
	statusAtBank         = 8
	statusWaiting        = 10
	statusVerified       = 100
	statusVerifiedBefore = 101
	statusSettled        = 200
)

// errorCodes is the whole error table of the document (IDPay v1.1, /errors).
var errorCodes = wire.Codes{
	-1: wire.Silent, // unexpected
	11: wire.Operator, 12: wire.Operator, 13: wire.Operator, 14: wire.Operator,
	15: {Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBusy}, // service unavailable
	21: wire.Operator, 22: wire.Operator, 23: wire.Operator, 24: wire.Operator,
	31: wire.AtCreate, 32: wire.AtCreate, 33: wire.AtCreate, // id, order_id, amount empty
	34: wire.AtCreate, 35: wire.AtCreate, 36: wire.AtCreate, // amount out of limits, at create
	37: wire.Settings, // callback empty, of another domain, invalid
	38: wire.Settings,
	39: wire.Settings,
	41: wire.AtCreate, 42: wire.AtCreate, 43: wire.AtCreate, 44: wire.AtCreate, // filters of the list
	51: wire.AtCreate,                                                                      // could not be created
	52: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID, Unmade: true},   // inquiry without result
	53: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid, Unmade: true},     // cannot be verified
	54: {Outcome: payment.OutcomeClosed, Reason: payment.ReasonWindowClosed, Unmade: true}, // window over
}

// says is what the document says of the codes that the shop's owner can mend.
var says = map[int64]string{
	11: "the account is blocked", 12: "it doesn't know the API key", 13: "the web service doesn't allow this IP address",
	14: "the web service is not approved yet", 21: "the web service's bank account is not approved", 22: "there is no such web service",
	23: "the web service could not be authenticated", 24: "the web service's bank account is deactivated",
	37: "the return address is empty", 38: "the return address is of another domain than the web service's", 39: "the return address is not valid",
}
