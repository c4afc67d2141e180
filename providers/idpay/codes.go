package idpay

import "github.com/rahgir/caddy-payments/payment"

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

// meaning is what an error code says about a payment that we asked to verify or
// inquire about, and whose fault it is when a payment could not be created.
type meaning struct {
	outcome payment.Outcome
	reason  payment.Reason
	// owner marks what the shop's owner can mend.
	owner bool
}

var (
	operator = meaning{payment.OutcomeOperator, payment.ReasonOperator, true}
	// silent codes say nothing about a payment: they speak of other calls, of
	// fields that we always send, or of trouble at IDPay.
	silent = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, false}
)

// errorCodes is the whole error table of the document (IDPay v1.1, /errors).
var errorCodes = map[int64]meaning{
	-1: silent, // unexpected
	11: operator, 12: operator, 13: operator, 14: operator,
	15: {payment.OutcomeUnknown, payment.ReasonBusy, false}, // service unavailable
	21: operator, 22: operator, 23: operator, 24: operator,
	31: silent, 32: silent, 33: silent, // id, order_id, amount empty
	34: silent, 35: silent, 36: silent, // amount out of limits, at create
	37: {silent.outcome, silent.reason, true}, // callback empty, of another domain, invalid
	38: {silent.outcome, silent.reason, true},
	39: {silent.outcome, silent.reason, true},
	41: silent, 42: silent, 43: silent, 44: silent, // filters of the list
	51: silent,                                                     // could not be created
	52: {payment.OutcomeRefused, payment.ReasonUnknownID, false},   // inquiry without result
	53: {payment.OutcomeRefused, payment.ReasonNotPaid, false},     // cannot be verified
	54: {payment.OutcomeClosed, payment.ReasonWindowClosed, false}, // window over
}

// says is what the document says of the codes that the shop's owner can mend.
var says = map[int64]string{
	11: "the account is blocked", 12: "it doesn't know the API key", 13: "the web service doesn't allow this IP address",
	14: "the web service is not approved yet", 21: "the web service's bank account is not approved", 22: "there is no such web service",
	23: "the web service could not be authenticated", 24: "the web service's bank account is deactivated",
	37: "the return address is empty", 38: "the return address is of another domain than the web service's", 39: "the return address is not valid",
}
