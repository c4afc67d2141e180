package invoice

import "github.com/rahgir/caddy-payments/payment"

// meaning is what an error code says about a check, and whose fault it is when
// a payment could not be started.
type meaning struct {
	outcome payment.Outcome
	reason  payment.Reason
	// refuses: nothing was started; owner: the shop's owner can mend it.
	refuses, owner bool
}

// errorCodes is the whole error table of the script's document.
var errorCodes = map[int64]meaning{
	// 100: it saw no POST. Something on the way changed ours, usually a base_url
	// that another address answers for.
	100: {payment.OutcomeOperator, payment.ReasonOperator, true, true},
	101: {payment.OutcomeOperator, payment.ReasonOperator, true, true},   // api_key
	102: {payment.OutcomeUnknown, payment.ReasonBadAnswer, true, false},  // amount, at request only
	103: {payment.OutcomeUnknown, payment.ReasonBadAnswer, true, true},   // return_url, at request only
	200: {payment.OutcomeRefused, payment.ReasonUnknownID, false, false}, // key
	201: {payment.OutcomeRefused, payment.ReasonNotPaid, false, false},
	202: {payment.OutcomeRefused, payment.ReasonCancelled, false, false},
	// 301: it could not reach the bank, and does not say how far it got.
	301: {payment.OutcomeUnknown, payment.ReasonBusy, false, false},
}
