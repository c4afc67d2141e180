package engine

import (
	"context"
	"errors"
	"net/http"

	"github.com/rahgir/caddy-payments/payment"
)

var errRefusedAmount = errors.New("the provider refuses the amount with which the shop verifies the payment: it is none, no plain whole number, or another one")

// refusesAmount: the provider refuses a call for the amount in it, and so settled nothing.
func refusesAmount(a payment.Answer) bool {
	return a.Outcome == payment.OutcomeDoubt && a.Reason == payment.ReasonAmount && a.Receipt == nil
}

// refusesNone: the call names no amount, the provider's verify needs one, and it says that the
// call is wrong, whatever words it has for that.
func refusesNone(t payment.Terms, a payment.RelayAsk, s said) bool {
	status := s.reply.Status
	return t.SendsAmount && a.Number == 0 && !a.Unread && s.reply.Err == nil && s.answer.Outcome == payment.OutcomeUnknown &&
		status >= http.StatusBadRequest && status < http.StatusInternalServerError && status != http.StatusRequestTimeout
}

// relayVoid ends an attempt whose call said a wrong amount. The shop hears so, and the record
// says what it said before.
func (e *Engine) relayVoid(ctx context.Context, c Relay, before, rec *payment.Record, s said) (relayed, error) {
	e.relayEvent(EventRelayAmount, c, errRefusedAmount, true)
	if before.Version == 0 {
		before.Due = rec.CreatedAt.Add(relayLink) // then it is forgotten
	}
	for range claimTries {
		next, now := rec.Clone(), e.now()
		if err := next.Void(before, s.answer.Code, now, now.Add(browserGrace)); err != nil {
			return relayed{rec: rec}, err
		}
		err := e.commit(ctx, next, false)
		if err == nil {
			return relayed{rec: next, reply: s.reply, outcome: s.answer.Outcome}, nil
		}
		fresh := e.stillAsking(ctx, rec, err)
		if fresh == nil {
			// Nothing is known of the attempt then: it counts as unanswered.
			rec, err = e.reread(ctx, rec, err)
			return relayed{rec: rec, reply: s.reply, outcome: s.answer.Outcome}, err
		}
		rec = fresh
	}
	return relayed{rec: rec, reply: s.reply, outcome: s.answer.Outcome}, nil
}
