package payping

import "github.com/rahgir/caddy-payments/payment"

// The codes of "verified before": 110 stands beside the payment, 123 in the table.
const (
	codeBefore      = 110
	codeBeforeTable = 123
)

// meaning is what a code of PayPing's says about a payment.
type meaning struct {
	outcome payment.Outcome
	reason  payment.Reason
}

// codes are those of PayPing's table that say something about a payment or about
// the account. Reverse's own (134, 135) say nothing to us.
var codes = map[int64]meaning{
	104: {payment.OutcomeOperator, payment.ReasonOperator}, // test account: amount
	109: {payment.OutcomeBusy, payment.ReasonProcessing},
	112: {payment.OutcomeOperator, payment.ReasonOperator}, // test account: count
	121: {payment.OutcomeRefused, payment.ReasonNotPaid},
	122: {payment.OutcomeRefused, payment.ReasonUnknownID},
	127: {payment.OutcomeRefused, payment.ReasonCancelled}, // cancelled, or timed out
	137: {payment.OutcomeDoubt, payment.ReasonAmount},
	155: {payment.OutcomeBusy, payment.ReasonProcessing},
}
