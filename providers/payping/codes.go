package payping

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The codes of "verified before": 110 stands beside the payment, 123 in the table.
const (
	codeBefore      = 110
	codeBeforeTable = 123
)

// codes are those of PayPing's table that say something about a payment or about
// the account. Reverse's own (134, 135) say nothing to us.
var codes = wire.Codes{
	104: {Outcome: payment.OutcomeOperator, Reason: payment.ReasonOperator}, // test account: amount
	109: {Outcome: payment.OutcomeBusy, Reason: payment.ReasonProcessing},
	112: {Outcome: payment.OutcomeOperator, Reason: payment.ReasonOperator}, // test account: count
	121: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid},
	122: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID},
	127: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonCancelled}, // cancelled, or timed out
	137: {Outcome: payment.OutcomeDoubt, Reason: payment.ReasonAmount},
	155: {Outcome: payment.OutcomeBusy, Reason: payment.ReasonProcessing},
}
