package nextpay

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The codes that have a meaning of their own. Create's success is −1 and verify's
// is 0; −1 as an answer to verify says that the payer never got to the bank.
const (
	codeDone     = 0
	codeStarted  = -1
	codeDoneOnce = -25
	codeRepeated = -49
)

var (
	unknown = wire.Meaning{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID, Unmade: true}
	// trouble is at NextPay or its bank; a payment may have been made all the same.
	trouble = wire.Meaning{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBusy}
)

// codes is the whole table of NextPay's codes but 0 (nextpay.org/nx/docs).
var codes = wire.Codes{
	codeStarted: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid},
	-2:          {Outcome: payment.OutcomeRefused, Reason: payment.ReasonCancelled, Unmade: true}, // refused by the payer or the bank
	-3:          {Outcome: payment.OutcomeBusy, Reason: payment.ReasonProcessing},                 // waiting for the bank
	-4:          {Outcome: payment.OutcomeRefused, Reason: payment.ReasonCancelled, Unmade: true},
	-20:         wire.Operator, // api_key missing
	-21:         wire.AtCreate, // trans_id missing
	-22:         wire.AtCreate, // amount missing
	-23:         wire.Settings, // return address missing
	-24:         {Outcome: payment.OutcomeDoubt, Reason: payment.ReasonAmount, Unmade: true},
	// Who says so is not known to have paid: see [Provider.verifyAnswer].
	codeDoneOnce: {Outcome: payment.OutcomeDoubt, Reason: payment.ReasonUnexplained, Unmade: true},
	-26:          wire.AtCreate, // token missing
	-27:          wire.AtCreate, // order wrong: verify doesn't name it
	-28:          wire.AtCreate, // custom_json_fields
	-29:          wire.Silent,
	-30:          wire.AtCreate, // below the least amount
	-31:          wire.Settings, // fund missing
	-32:          wire.Settings, // return address wrong
	-33:          wire.Operator,
	-34:          unknown,
	-35:          wire.Operator,
	-36:          wire.AtCreate, // order missing
	-37:          unknown,
	-38:          unknown,
	-39:          wire.Operator, -40: wire.Operator, // key not found, blocked
	-41: wire.Silent, // bank reference missing
	-42: trouble, -43: trouble, -44: trouble, -45: trouble,
	-46: wire.AtCreate,                     // bad request
	-47: wire.Operator, -48: wire.Operator, // key deleted, no commission rate
	codeRepeated: {Outcome: payment.OutcomeDoubt, Reason: payment.ReasonUnexplained, Unmade: true},
	-50:          wire.Operator, -51: wire.Operator, -52: wire.Operator, // account, user, approval
	-60: wire.AtCreate, -61: wire.AtCreate, -62: wire.AtCreate, -63: wire.AtCreate, -64: wire.AtCreate, -65: wire.AtCreate,
	-66: wire.AtCreate, -67: wire.AtCreate, -68: wire.AtCreate, -69: wire.Settings, -70: wire.Settings, -71: wire.AtCreate,
	-72: trouble,       // the bank is silent
	-73: wire.Settings, // return address wrong or too long
	-90: {Outcome: payment.OutcomeClosed, Reason: payment.ReasonReturned, Unmade: true},
	-91: wire.Silent, -92: wire.Silent, -93: wire.Silent, -94: wire.Silent,
}
