package engine

import (
	"context"

	"github.com/rahgir/caddy-payments/payment"
)

// relayDetails completes an "already verified" that says nothing of the payment: there
// are documents in which only an inquiry has its amount (Zibal's 201). A provider's own
// Verify asks for it; a shop's verify is one call, so we ask here.
//
// Invariant: a lost answer is explained by the same facts whoever asks for the second
// time, the shop or we. Without this the shop's own second question would put a paid
// order into review.
func (e *Engine) relayDetails(ctx context.Context, prov Provider, rec *payment.Record, a payment.Answer, t payment.Terms) payment.Answer {
	inquirer, ok := prov.Provider.(payment.Inquirer)
	if !ok || a.Outcome != payment.OutcomeAgain || t.SendsAmount || t.BindsAmount || a.Receipt != nil && a.Receipt.Amount != 0 {
		return a
	}
	asked := e.callFor(ctx, prov, rec, OperationInquire, inquirer.Inquire)
	switch asked.Outcome {
	case payment.OutcomeAgain, payment.OutcomeClosed:
		asked.Code, asked.Unsent = a.Code, false
		return asked
	case payment.OutcomeUnknown, payment.OutcomeBusy, payment.OutcomeOperator:
		// It is settled, and nothing tells more: asked again later.
		return payment.Answer{Outcome: payment.OutcomeUnknown, Reason: asked.Reason, Code: a.Code, Err: asked.Err, RetryAfter: asked.RetryAfter}
	}
	a.Receipt = nil // it contradicts: nothing is believed
	return a
}
