package invoice

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// errorCodes is the whole error table of the script's document.
var errorCodes = wire.Codes{
	// 100: it saw no POST. Something on the way changed ours, usually a base_url
	// that another address answers for.
	100: wire.Operator,
	101: wire.Operator,                                                      // api_key
	102: wire.AtCreate,                                                      // amount, at request only
	103: wire.Settings,                                                      // return_url, at request only
	200: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}, // key
	201: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonNotPaid},
	202: {Outcome: payment.OutcomeRefused, Reason: payment.ReasonCancelled},
	// 301: it could not reach the bank, and does not say how far it got.
	301: {Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBusy},
}
