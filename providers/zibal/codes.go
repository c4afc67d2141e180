package zibal

import "github.com/rahgir/caddy-payments/payment"

// The results that are no errors about a payment.
const (
	resultOK    = 100
	resultAgain = 201
)

// meaning is what a result or a state says about a payment that we asked about, and
// a result about one that could not be created.
type meaning struct {
	outcome payment.Outcome
	reason  payment.Reason
	// unmade is true if a payment was certainly not created, owner where the
	// shop's owner can mend that.
	unmade, owner bool
}

var (
	operator = meaning{payment.OutcomeOperator, payment.ReasonOperator, true, true}
	// atCreate results speak of the members of create; elsewhere they say nothing.
	atCreate = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, true, false}
	settings = meaning{payment.OutcomeUnknown, payment.ReasonBadAnswer, true, true}
	notPaidM = meaning{payment.OutcomeRefused, payment.ReasonNotPaid, false, false}
	returned = meaning{payment.OutcomeClosed, payment.ReasonReturned, false, false}
)

// results is the whole table of results (Zibal v1), except 100 and 201.
var results = map[int64]meaning{
	102: operator, 103: operator, 104: operator, // merchant not found, inactive, invalid
	105: atCreate,                // must exceed 1,000 rials
	106: settings,                // callbackUrl
	107: settings,                // percentMode
	108: settings, 109: settings, // beneficiary
	110: settings, 111: settings, 112: settings, // shares, the wallet of the fee
	113: atCreate, // above the limit
	114: atCreate, // national code
	115: operator, // the server's address
	202: notPaidM,
	203: {payment.OutcomeRefused, payment.ReasonUnknownID, false, false},
}

// The states whose receipts count.
const (
	statePaid    = 2
	stateSettled = 1
)

// states is the whole table of states, except the two above.
var states = map[int64]meaning{
	-1: {outcome: payment.OutcomeOpen},
	-2: {payment.OutcomeUnknown, payment.ReasonBadAnswer, false, false}, // internal error
	3:  {payment.OutcomeRefused, payment.ReasonCancelled, false, false},
	4:  notPaidM, 5: notPaidM, 6: notPaidM, 7: notPaidM, 8: notPaidM, 9: notPaidM, 10: notPaidM, 11: notPaidM, 12: notPaidM,
	15: returned, 16: returned, 18: returned,
	21: {payment.OutcomeOperator, payment.ReasonOperator, false, false},
}
