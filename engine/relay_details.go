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
// order into review. And where no question of ours was lost, nothing that an inquiry may or
// may not say makes an "already verified" ours: it holds no ask of the shop's up.
func (e *Engine) relayDetails(ctx context.Context, prov Provider, rec *payment.Record, a payment.Answer, t payment.Terms, lost bool) payment.Answer {
	question, ok := detailsOf(prov, a)
	if !ok || a.Outcome != payment.OutcomeAgain || t.SendsAmount || t.BindsAmount || a.Receipt != nil && a.Receipt.Amount != 0 {
		return a
	}
	asked := e.callFor(ctx, prov, rec, OperationInquire, question)
	switch asked.Outcome {
	case payment.OutcomeAgain, payment.OutcomeClosed:
		asked.Code, asked.Unsent = a.Code, false
		return asked
	case payment.OutcomeUnknown, payment.OutcomeBusy, payment.OutcomeOperator:
		if !lost && !rec.Expect.Unconsumed {
			return payment.Answer{Outcome: payment.OutcomeDoubt, Reason: payment.ReasonUnexplained, Code: a.Code, Err: asked.Err}
		}
		// It is settled, and nothing tells more: asked again later.
		return payment.Answer{Outcome: payment.OutcomeUnknown, Reason: asked.Reason, Code: a.Code, Err: asked.Err, RetryAfter: asked.RetryAfter}
	}
	a.Receipt = nil // it contradicts: nothing is believed
	return a
}

// detailsOf is the question that completes an "already verified", if there is one.
func detailsOf(prov Provider, again payment.Answer) (func(context.Context, payment.Query) payment.Answer, bool) {
	switch p := prov.Provider.(type) {
	case payment.Detailer:
		return func(ctx context.Context, q payment.Query) payment.Answer { return p.Details(ctx, q, again) }, true
	case payment.Inquirer:
		return p.Inquire, true
	}
	return nil, false
}
