package sama

import (
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The codes of Sama's document (payment v2, verify).
const (
	codeVerified       = 100
	codeVerifiedBefore = 101

	errNotAuthenticated = "not_authenticated"
	errNotPaid          = "40131"
	errValidation       = "-9"
)

// verifyAnswer reads an answer to verify (Sama v2, verify). It is pure.
func verifyAnswer(r wire.Reply) payment.Answer {
	a := r.Answer()
	if !r.Spoke() {
		return a
	}
	data, ok := r.Object.Object("data")
	errs, ok2 := r.Object.Object("errors")
	if !ok || !ok2 || (len(data) > 0 && len(errs) > 0) {
		return a
	}
	if len(errs) > 0 {
		return refused(r, a, errs)
	}
	code, isInt := data.Int("code")
	// The document speaks of 200 in the sample and of 201 in a note.
	if !isInt || (r.Status != http.StatusOK && r.Status != http.StatusCreated) {
		return a
	}
	text := strconv.FormatInt(code, 10)
	switch code {
	case codeVerified:
		return wire.Accept(a, payment.OutcomePaid, text, receipt(data))
	case codeVerifiedBefore:
		return wire.Accept(a, payment.OutcomeAgain, text, receipt(data))
	}
	return wire.Unread(a, payment.ReasonUnrecognised, text, nil)
}

// receipt reads dataObject. The fee is recorded and never added to anything:
// the answer has no amount to compare with.
func receipt(data wire.Object) *payment.Receipt {
	rc := &payment.Receipt{
		Reference: wire.Reference(data.Text("ref_id")),
		Card:      wire.MaskCard(data.Text("card_pan")),
	}
	if fee, ok := data.Int("fee"); ok && fee > 0 {
		rc.Fee = payment.Rials(fee)
	}
	switch data.Text("fee_type") {
	case "merchant":
		rc.FeePayer = "merchant"
	case "buyer":
		rc.FeePayer = "payer"
	case "both":
		rc.FeePayer = "both"
	}
	return rc
}

// refused reads errorsObject, whose code is a text. Only what the document
// lists, under the HTTP status it lists it with, decides anything.
func refused(r wire.Reply, a payment.Answer, errs wire.Object) payment.Answer {
	code := payment.ASCIIDigits(errs.Text("code"))
	switch {
	case r.Status == http.StatusUnauthorized || (r.Status >= 400 && code == errNotAuthenticated):
		return wire.Settle(a, payment.OutcomeOperator, payment.ReasonOperator, code)
	case r.Status == http.StatusBadRequest && code == errNotPaid:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonNotPaid, code)
	case r.Status == http.StatusBadRequest && code == errValidation:
		return invalid(a, errs, code)
	}
	return wire.Unread(a, payment.ReasonBadAnswer, code, nil)
}

// invalid reads `validations`, a list of objects with one member each: which
// field Sama did not like.
func invalid(a payment.Answer, errs wire.Object, code string) payment.Answer {
	fields := map[string]bool{}
	for _, v := range errs.List("validations") {
		for name := range v {
			fields[name] = true
		}
	}
	switch {
	case fields["merchant_id"]:
		return wire.Settle(a, payment.OutcomeOperator, payment.ReasonOperator, code+"/merchant_id")
	case fields["authority"]:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonUnknownID, code+"/authority")
	case fields["amount"]:
		// The price is outside of what Sama takes, so no payment of this price
		// can be behind the id: a person must see what was paid.
		return wire.Settle(a, payment.OutcomeDoubt, payment.ReasonAmount, code+"/amount")
	}
	return wire.Unread(a, payment.ReasonBadAnswer, code, nil)
}
