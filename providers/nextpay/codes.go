package nextpay

import "github.com/rahgir/caddy-payments/payment"

// The codes that have a meaning of their own. Create's success is −1 and verify's
// is 0; −1 as an answer to verify says that the payer never got to the bank.
const (
	codeDone     = 0
	codeStarted  = -1
	codeDoneOnce = -25
	codeRepeated = -49
)

// meaning is what a code says about a verify, and whose fault it is when a payment
// could not be started.
type meaning struct {
	outcome payment.Outcome
	reason  payment.Reason
	// refuses: create made nothing; owner: the shop's owner can mend it.
	refuses, owner bool
}

var (
	operator = meaning{payment.OutcomeOperator, payment.ReasonOperator, true, true}
	unknown  = meaning{payment.OutcomeRefused, payment.ReasonUnknownID, true, false}
	// input codes speak of create's fields, and say nothing about a payment.
	input = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, true, false}
	// mine are those that the owner can mend.
	mine = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, true, true}
	// trouble is at NextPay or its bank; a payment may have been made all the same.
	trouble = meaning{payment.OutcomeUnknown, payment.ReasonBusy, false, false}
	// refunds are of a call that is never made here.
	refunds = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, false, false}
)

// codes is the whole table of NextPay's codes but 0 (nextpay.org/nx/docs).
var codes = map[int64]meaning{
	codeStarted: {payment.OutcomeRefused, payment.ReasonNotPaid, false, false},
	-2:          {payment.OutcomeRefused, payment.ReasonCancelled, true, false}, // refused by the payer or the bank
	-3:          {payment.OutcomeBusy, payment.ReasonProcessing, false, false},  // waiting for the bank
	-4:          {payment.OutcomeRefused, payment.ReasonCancelled, true, false},
	-20:         operator, // api_key missing
	-21:         input,    // trans_id missing
	-22:         input,    // amount missing
	-23:         mine,     // return address missing
	-24:         {payment.OutcomeDoubt, payment.ReasonAmount, true, false},
	// Who says so is not known to have paid: see [Provider.verifyAnswer].
	codeDoneOnce: {payment.OutcomeDoubt, payment.ReasonUnexplained, true, false},
	-26:          input, // token missing
	-27:          input, // order wrong: verify doesn't name it
	-28:          input, // custom_json_fields
	-29:          refunds,
	-30:          input, // below the least amount
	-31:          mine,  // fund missing
	-32:          mine,  // return address wrong
	-33:          operator,
	-34:          unknown,
	-35:          operator,
	-36:          input, // order missing
	-37:          unknown,
	-38:          unknown,
	-39:          operator, -40: operator, // key not found, blocked
	-41: refunds, // bank reference missing
	-42: trouble, -43: trouble, -44: trouble, -45: trouble,
	-46: input,                   // bad request
	-47: operator, -48: operator, // key deleted, no commission rate
	codeRepeated: {payment.OutcomeDoubt, payment.ReasonUnexplained, true, false},
	-50:          operator, -51: operator, -52: operator, // account, user, approval
	-60: input, -61: input, -62: input, -63: input, -64: input, -65: input,
	-66: input, -67: input, -68: input, -69: mine, -70: mine, -71: input,
	-72: trouble, // the bank is silent
	-73: mine,    // return address wrong or too long
	-90: {payment.OutcomeClosed, payment.ReasonReturned, true, false},
	-91: refunds, -92: refunds, -93: refunds, -94: refunds,
}
