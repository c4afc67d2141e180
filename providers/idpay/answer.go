package idpay

import (
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// verifyAnswer reads an answer to verify (IDPay v1.1, /payment/verify). It is
// pure.
func verifyAnswer(r wire.Reply) payment.Answer {
	a := r.Answer()
	if !r.Spoke() {
		return a
	}
	status, ok := r.Object.Int("status")
	if r.Status != http.StatusOK || r.Object.Has("error_code") || !ok {
		return errorAnswer(r, a)
	}
	switch status {
	case statusVerified:
		return paidAnswer(r.Object, a, status, payment.OutcomePaid)
	case statusVerifiedBefore, statusSettled:
		return paidAnswer(r.Object, a, status, payment.OutcomeAgain)
	}
	// 10 and the like: nothing was verified, and nothing says why.
	return wire.Unread(a, payment.ReasonBadAnswer, strconv.FormatInt(status, 10), nil)
}

// inquiryAnswer reads an answer to inquiry (IDPay v1.1, /payment/inquiry). It
// is pure.
func inquiryAnswer(r wire.Reply) payment.Answer {
	a := r.Answer()
	if !r.Spoke() {
		return a
	}
	status, ok := r.Object.Int("status")
	if r.Status != http.StatusOK || r.Object.Has("error_code") || !ok {
		return errorAnswer(r, a)
	}
	code := strconv.FormatInt(status, 10)
	switch status {
	case statusVerified, statusVerifiedBefore, statusSettled:
		return paidAnswer(r.Object, a, status, payment.OutcomeAgain)
	case statusWaiting:
		rc, err := receipt(r.Object)
		if err != nil {
			return wire.Unread(a, payment.ReasonUnrecognised, code, err)
		}
		return wire.Accept(a, payment.OutcomeAwaiting, code, rc)
	case statusNotPaid, statusAtBank:
		return wire.Settle(a, payment.OutcomeOpen, "", code)
	case statusFailed, statusCancelled:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonCancelled, code)
	case statusError:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonNotPaid, code)
	case statusReturned, statusReversed:
		return wire.Settle(a, payment.OutcomeClosed, payment.ReasonReturned, code)
	case statusBlocked:
		// Neither the shop's nor the payer's, for a reason only IDPay knows.
		return wire.Settle(a, payment.OutcomeDoubt, payment.ReasonUnrecognised, code)
	}
	return wire.Unread(a, payment.ReasonBadAnswer, code, nil)
}

// errorAnswer reads `{"error_code": …, "error_message": …}`. The text is not
// looked at, and a state beside the code makes the answer unreadable.
func errorAnswer(r wire.Reply, a payment.Answer) payment.Answer {
	code, ok := r.Object.Int("error_code")
	if !ok || r.Object.Has("status") || r.Status < 400 {
		return a
	}
	return errorCodes.Answer(a, code, strconv.FormatInt(code, 10))
}

// paidAnswer reads the body of a success. id, order_id and amount are what the
// shop is credited by, and always documented: without them it is no success
// that we know.
func paidAnswer(o wire.Object, a payment.Answer, status int64, outcome payment.Outcome) payment.Answer {
	code := strconv.FormatInt(status, 10)
	rc, err := receipt(o)
	if err == nil && (rc.ID == "" || rc.Order == "" || rc.Amount == 0) {
		err = wire.ErrAnswer
	}
	if err != nil {
		return wire.Unread(a, payment.ReasonUnrecognised, code, err)
	}
	if rc.Number == "" {
		// IDPay's document wants both compared, id and track_id: without its second
		// key a receipt is for a person.
		a = wire.Settle(a, payment.OutcomeDoubt, payment.ReasonUnrecognised, code)
		a.Receipt = rc
		return a
	}
	return wire.Accept(a, outcome, code, rc)
}

// number returns IDPay's receipt number, written in one way; "" if it is absent or
// zero.
func number(s string) string {
	n := payment.CanonicalNumber(wire.Reference(s))
	if n == "0" {
		return ""
	}
	return n
}

// receipt reads the members that verify and inquiry share. Absent ones stay
// zero; ones in an unknown form are an error where they are about money.
func receipt(o wire.Object) (*payment.Receipt, error) {
	paid, ok := o.Object("payment")
	verify, ok2 := o.Object("verify")
	wage, ok3 := o.Object("wage")
	if !ok || !ok2 || !ok3 {
		return nil, wire.ErrAnswer
	}
	rc := &payment.Receipt{
		ID: o.Text("id"), Order: o.Text("order_id"),
		Number:    number(o.Text("track_id")),
		Reference: wire.Reference(paid.Text("track_id")),
		Card:      wire.MaskCard(paid.Text("card_no")),
	}
	var err error
	if rc.Amount, err = o.Amount("amount"); err != nil {
		return nil, err
	}
	if rc.Paid, err = paid.Amount("amount"); err != nil {
		return nil, err
	}
	rc.PaidAt, _ = paid.Time("date", nil)
	rc.VerifiedAt, _ = verify.Time("date", nil)
	switch wage.Text("by") {
	case "payee":
		rc.FeePayer = "merchant"
	case "payer":
		rc.FeePayer = "payer"
	}
	if wage.Text("type") == "amount" {
		rc.Fee, _ = wage.Amount("amount") // for people only
	}
	return rc, nil
}
