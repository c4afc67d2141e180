package zibal

import (
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// verifyAnswer reads an answer to verify. It is pure. Of a payment that was verified
// before (201) it knows what the answer carries, which may be nothing: see [again].
func verifyAnswer(r wire.Reply) payment.Answer {
	a := r.Answer()
	result, ok := r.Object.Int("result")
	if !r.Spoke() || !ok {
		return a
	}
	code := strconv.FormatInt(result, 10)
	if result != resultOK && result != resultAgain {
		return results.Answer(a, result, code)
	}
	rc, err := receipt(r.Object)
	if err == nil && (r.Status != http.StatusOK || result == resultOK && rc.Amount == 0 || !settled(r.Object)) {
		err = wire.ErrAnswer
	}
	if err != nil {
		return wire.Unread(a, payment.ReasonUnrecognised, code, err)
	}
	if result == resultAgain {
		return wire.Accept(a, payment.OutcomeAgain, code, rc)
	}
	return wire.Accept(a, payment.OutcomePaid, code, rc)
}

// settled reports whether the state beside a success is that of one. It is not in
// every answer. Paid and unverified is how a success was described as well.
func settled(o wire.Object) bool {
	state, ok := o.Int("status")
	return !o.Has("status") || ok && (state == stateSettled || state == statePaid)
}

// inquiryAnswer reads an answer to inquiry. It is pure.
func inquiryAnswer(r wire.Reply) payment.Answer {
	a := r.Answer()
	result, ok := r.Object.Int("result")
	if !r.Spoke() || !ok {
		return a
	}
	code := strconv.FormatInt(result, 10)
	if result != resultOK && result != resultAgain {
		return results.Answer(a, result, code)
	}
	state, ok := r.Object.Int("status")
	if !ok || r.Status != http.StatusOK {
		return wire.Unread(a, payment.ReasonUnrecognised, code, nil)
	}
	code = "status/" + strconv.FormatInt(state, 10)
	if state != stateSettled && state != statePaid {
		return states.Answer(a, state, code)
	}
	rc, err := receipt(r.Object)
	if err != nil || rc.Amount == 0 {
		return wire.Unread(a, payment.ReasonUnrecognised, code, err)
	}
	if state == stateSettled {
		return wire.Accept(a, payment.OutcomeAgain, code, rc)
	}
	return wire.Accept(a, payment.OutcomeAwaiting, code, rc)
}

// again returns what "verified before" means, given what inquiry says: its details, or
// that the money went back since. Where inquiry isn't answered, 201 counts with
// what it carried itself; where it contradicts 201, nothing is believed.
func again(verified, asked payment.Answer) payment.Answer {
	switch asked.Outcome {
	case payment.OutcomeAgain, payment.OutcomeClosed:
		asked.Code, asked.Unsent = verified.Code, false
		return asked
	case payment.OutcomeUnknown, payment.OutcomeBusy:
		if verified.Receipt.Amount > 0 {
			return verified
		}
	}
	reason, err := payment.ReasonUnrecognised, asked.Err
	if asked.Outcome == payment.OutcomeUnknown {
		reason = asked.Reason
	}
	verified.Receipt = nil
	return wire.Unread(verified, reason, verified.Code, err)
}

// receipt reads the members that verify and inquiry share. The answer has no id of
// the payment. orderId is whatever the shop sent at create, or null, and is not
// looked at: the order is bound otherwise. Times have no zone: they are taken for
// Tehran's, which can only make a payment look older than it is.
func receipt(o wire.Object) (*payment.Receipt, error) {
	rc := &payment.Receipt{
		Reference: wire.Reference(o.Text("refNumber")),
		Card:      wire.MaskCard(o.Text("cardNumber")),
	}
	var err error
	if rc.Amount, err = o.Amount("amount"); err != nil {
		return nil, err
	}
	rc.PaidAt, _ = o.Time("paidAt", wire.Tehran)
	rc.VerifiedAt, _ = o.Time("verifiedAt", wire.Tehran)
	rc.Fee, _ = o.Amount("wage") // for people only
	return rc, nil
}
