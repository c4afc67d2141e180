package zibal

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The results that are no errors about a payment.
const (
	resultOK    = 100
	resultAgain = 201
)

var (
	notPaidM = wire.Meaning{Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid}
	returned = wire.Meaning{Outcome: payment.OutcomeClosed, Reason: payment.ReasonReturned}
)

// results is the whole table of results (Zibal v1), except 100 and 201.
var results = wire.Codes{
	102: wire.Operator, 103: wire.Operator, 104: wire.Operator, // merchant not found, inactive, invalid
	105: wire.AtCreate,                     // must exceed 1,000 rials
	106: wire.Settings,                     // callbackUrl
	107: wire.Settings,                     // percentMode
	108: wire.Settings, 109: wire.Settings, // beneficiary
	110: wire.Settings, 111: wire.Settings, 112: wire.Settings, // shares, the wallet of the fee
	113: wire.AtCreate, // above the limit
	114: wire.AtCreate, // national code
	115: wire.Operator, // the server's address
	202: notPaidM,
	203: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID},
}

// The states whose receipts count.
const (
	statePaid    = 2
	stateSettled = 1
)

// states is the whole table of states, except the two above.
var states = wire.Codes{
	-1: {Outcome: payment.OutcomeOpen},
	-2: wire.Silent, // internal error
	3:  {Outcome: payment.OutcomeRefused, Reason: payment.ReasonCancelled},
	4:  notPaidM, 5: notPaidM, 6: notPaidM, 7: notPaidM, 8: notPaidM, 9: notPaidM, 10: notPaidM, 11: notPaidM, 12: notPaidM,
	15: returned, 16: returned, 18: returned,
	21: {Outcome: payment.OutcomeOperator, Reason: payment.ReasonOperator},
}
