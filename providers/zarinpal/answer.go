package zarinpal

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// said is an answer taken apart: what is in `data`, or what is in `errors`.
type said struct {
	data, errs wire.Object
	code       int64
}

// open takes an answer apart; ok is false if it is none of Zarinpal's. The one of
// `data` and `errors` that is empty comes as a list, an object or null. An error
// is an object, or, as the document has it, in a list.
func open(r wire.Reply) (s said, ok bool) {
	if !r.Spoke() {
		return s, false
	}
	if s.data, ok = r.Object.Object("data"); !ok {
		return s, false
	}
	if s.errs, ok = r.Object.Object("errors"); !ok {
		list := r.Object.List("errors")
		if len(list) != 1 {
			return s, false
		}
		s.errs = list[0]
	}
	if (len(s.data) > 0) == (len(s.errs) > 0) {
		return s, false // both, or neither: nothing that can be read in one way
	}
	from := s.data
	if len(s.errs) > 0 {
		from = s.errs
	}
	s.code, ok = from.Int("code")
	return s, ok
}

// failed reports whether it is an error. Codes decide, never the HTTP status, which
// differs between descriptions; but a success has 200.
func (s said) failed() bool { return len(s.errs) > 0 || s.code < 0 }

func (s said) text() string { return strconv.FormatInt(s.code, 10) }

// success reads an answer about a payment; ok is false if a is all that it says. It is
// pure.
func success(r wire.Reply) (s said, a payment.Answer, ok bool) {
	a = r.Answer()
	s, ok = open(r)
	switch {
	case !ok:
		return s, a, false
	case s.failed():
		return s, s.refusal(a), false
	case r.Status != http.StatusOK || s.code != codeDone && s.code != codeAgain:
		return s, wire.Unread(a, payment.ReasonUnrecognised, s.text(), nil), false
	}
	return s, a, true
}

// verifyAnswer reads an answer to verify. It is pure.
func (p *Provider) verifyAnswer(r wire.Reply) payment.Answer {
	s, a, ok := success(r)
	switch {
	case !ok:
		return a
	case s.code == codeAgain:
		return wire.Accept(a, payment.OutcomeAgain, s.text(), p.receipt(s.data))
	}
	return wire.Accept(a, payment.OutcomePaid, s.text(), p.receipt(s.data))
}

// inquiryAnswer reads an answer to inquiry. It is pure.
func (p *Provider) inquiryAnswer(r wire.Reply) payment.Answer {
	s, a, ok := success(r)
	if !ok {
		return a
	}
	switch state := strings.ToUpper(s.data.Text("status")); state {
	case stateVerified:
		return wire.Accept(a, payment.OutcomeAgain, state, p.receipt(s.data))
	case statePaid:
		return wire.Accept(a, payment.OutcomeAwaiting, state, p.receipt(s.data))
	case stateInBank:
		return wire.Settle(a, payment.OutcomeOpen, "", state)
	case stateFailed:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonNotPaid, state)
	case stateReversed:
		return wire.Settle(a, payment.OutcomeClosed, payment.ReasonReturned, state)
	}
	return wire.Unread(a, payment.ReasonBadAnswer, s.text(), nil)
}

// refusal reads an error about a payment.
func (s said) refusal(a payment.Answer) payment.Answer {
	if s.code == codeValidation {
		return s.invalid(a)
	}
	if a = errorCodes.Answer(a, s.code, s.text()); a.Outcome == payment.OutcomeBusy {
		a.Err = wire.ErrAnswer
	}
	return a
}

// invalid reads −9: which member Zarinpal did not like.
func (s said) invalid(a payment.Answer) payment.Answer {
	fields := s.fields()
	switch {
	case fields["merchant_id"]:
		return wire.Settle(a, payment.OutcomeOperator, payment.ReasonOperator, s.text()+"/merchant_id")
	case fields["authority"]:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonUnknownID, s.text()+"/authority")
	case fields["amount"]:
		// No payment of this price can be behind the id: a person must see what was
		// paid.
		return wire.Settle(a, payment.OutcomeDoubt, payment.ReasonAmount, s.text()+"/amount")
	}
	return wire.Unread(a, payment.ReasonBadAnswer, s.text(), nil)
}

// fields returns the names in `validations`: a list of objects with one member each, or
// one object.
func (s said) fields() map[string]bool {
	fields := map[string]bool{}
	list := s.errs.List("validations")
	if one, ok := s.errs.Object("validations"); ok {
		list = append(list, one)
	}
	for _, v := range list {
		for name := range v {
			fields[name] = true
		}
	}
	return fields
}

// receipt reads `data`. ref_id is a number in the document and a text at some
// clients; it is the bank's and no key. The answer's order_id is whatever the shop
// wrote into `metadata`, or null, and isn't looked at: the order is bound otherwise.
func (p *Provider) receipt(data wire.Object) *payment.Receipt {
	rc := &payment.Receipt{
		Reference: wire.Reference(data.Text("ref_id")),
		Card:      wire.MaskCard(data.Text("card_pan")),
	}
	// In which unit the fee is where amounts are in toman is not documented. It is
	// for people only.
	if p.unit() == payment.Rial {
		rc.Fee, _ = data.Amount("fee")
	}
	switch strings.ToLower(data.Text("fee_type")) {
	case "merchant":
		rc.FeePayer = "merchant"
	case "payer", "buyer":
		rc.FeePayer = "payer"
	}
	return rc
}
