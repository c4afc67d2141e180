package vandar

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The states of an answer (Vandar v4, verify).
const (
	statusFailed = 0
	statusOK     = 1
	statusAgain  = 2
	statusLate   = 3
)

// codeWaiting is the code of transaction for a payment that is paid and waits to be
// verified ("Confirm required"). No other is documented.
const codeWaiting = 1

// fault is what an answer without success is about. Vandar has no codes for it, only
// texts, which name the field that is wrong.
type fault string

// The faults, by the field that a text names. Other texts are about the payment.
const (
	faultKey      fault = "api_key"
	faultCallback fault = "callback_url"
	faultPayment  fault = ""
)

// read tells whether an answer is a documented failure, and what it is about.
// `errors` is a list of texts; some answers have `error`, or an object with a list
// for each field.
func read(r wire.Reply) (about fault, failed bool) {
	if !r.Spoke() {
		return faultPayment, false
	}
	if r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden {
		return faultKey, true
	}
	status, ok := r.Object.Int("status")
	told := append(r.Object.Texts("errors"), r.Object.Texts("error")...)
	if ok && status != statusFailed || !ok && (r.Object.Has("status") || len(told) == 0 || r.Status < 400) {
		return faultPayment, false
	}
	for _, f := range []fault{faultKey, faultCallback} {
		for _, text := range told {
			if strings.Contains(text, string(f)) {
				return f, true
			}
		}
	}
	return faultPayment, true
}

// verifyAnswer reads an answer to verify. It is pure.
func (p *Provider) verifyAnswer(r wire.Reply) payment.Answer {
	a := r.Answer()
	if about, failed := read(r); failed {
		return p.refused(a, r, about)
	}
	status, ok := r.Object.Int("status")
	if !r.Spoke() || !ok {
		return a
	}
	code := "status/" + strconv.FormatInt(status, 10)
	if status == statusLate {
		return wire.Settle(a, payment.OutcomeClosed, payment.ReasonWindowClosed, code)
	}
	if r.Status != http.StatusOK || status != statusOK && status != statusAgain {
		return wire.Unread(a, payment.ReasonUnrecognised, code, nil)
	}
	rc, why := p.receipt(r.Object)
	if why == "" && status == statusOK && rc.Amount == 0 {
		why = payment.ReasonUnrecognised
	}
	switch {
	case why == payment.ReasonFee:
		return wire.Settle(a, payment.OutcomeDoubt, why, code)
	case why != "":
		return wire.Unread(a, why, code, nil)
	}
	if status == statusAgain {
		return wire.Accept(a, payment.OutcomeAgain, code, rc)
	}
	return wire.Accept(a, payment.OutcomePaid, code, rc)
}

// refused returns what a failure says about a payment. One that carries what only a
// payment has is not believed.
func (p *Provider) refused(a payment.Answer, r wire.Reply, about fault) payment.Answer {
	code := "http/" + strconv.Itoa(r.Status)
	switch {
	case about == faultKey:
		return wire.Settle(a, payment.OutcomeOperator, payment.ReasonOperator, code)
	case about == faultCallback, r.Object.Has("transId"), r.Object.Has("cardNumber"), r.Object.Has("amount"):
		return wire.Unread(a, payment.ReasonBadAnswer, code, nil)
	}
	return wire.Settle(a, payment.OutcomeRefused, payment.ReasonNotPaid, code)
}

// transactionAnswer reads an answer to transaction. It is pure. What it says of a
// payment that doesn't wait to be verified is not documented: it decides nothing
// then, and it is no trouble of Vandar's either.
func (p *Provider) transactionAnswer(r wire.Reply) payment.Answer {
	a := r.Answer()
	about, failed := read(r)
	status, ok := r.Object.Int("status")
	switch {
	case failed && about == faultKey:
		return wire.Settle(a, payment.OutcomeOperator, payment.ReasonOperator, "http/"+strconv.Itoa(r.Status))
	case failed:
		return undecided(a, "status/0")
	case !r.Spoke() || !ok || r.Status != http.StatusOK || status != statusOK:
		return a
	}
	code, ok := r.Object.Int("code")
	if !ok && r.Object.Has("code") {
		return a
	}
	rc, why := p.receipt(r.Object)
	if why != "" || rc.Amount == 0 {
		return wire.Unread(a, payment.ReasonUnrecognised, "code/"+strconv.FormatInt(code, 10), nil)
	}
	if code != codeWaiting {
		return undecided(a, "code/"+strconv.FormatInt(code, 10))
	}
	return wire.Accept(a, payment.OutcomeAwaiting, "code/1", rc)
}

// undecided returns an answer that may change, such as that of a bank that is still at it.
func undecided(a payment.Answer, code string) payment.Answer {
	err := a.Err
	a = wire.Settle(a, payment.OutcomeBusy, payment.ReasonProcessing, code)
	a.Err = err
	return a
}

// again adds to "verified before" the amount that transaction names. A transaction
// that still waits to be verified contradicts it; then nothing is believed.
func (p *Provider) again(verified payment.Answer, r wire.Reply) payment.Answer {
	status, ok := r.Object.Int("status")
	code, _ := r.Object.Int("code")
	rc, why := p.receipt(r.Object)
	if !r.Spoke() || r.Status != http.StatusOK || !ok || status != statusOK || code == codeWaiting || why != "" || rc.Amount == 0 {
		verified.Receipt = nil
		return wire.Unread(verified, payment.ReasonUnrecognised, verified.Code, r.Err)
	}
	rc.Again = true
	verified.Receipt = rc
	return verified
}

// receipt reads the members that verify and transaction share; why is set where they
// can't be read. factorNumber is whatever the shop sent at create, or null, and is not
// looked at: the order is bound otherwise. Times have no zone: they are taken for
// Tehran's, which can only make a payment look older than it is.
//
// Who bears the fee is set in Vandar's panel, and the answer doesn't say. Where the
// payer does, `amount` is what was paid, and the price is `realAmount`.
func (p *Provider) receipt(o wire.Object) (rc *payment.Receipt, why payment.Reason) {
	rc = &payment.Receipt{Card: wire.MaskCard(o.Text("cardNumber"))}
	if n, ok := o.Int("transId"); ok && n > 0 {
		rc.Number = strconv.FormatInt(n, 10)
	}
	if rc.Reference = wire.Reference(o.Text("refnumber")); rc.Reference == "" {
		rc.Reference = rc.Number
	}
	rc.PaidAt, _ = o.Time("paymentDate", wire.Tehran)
	var err error
	if rc.Amount, err = o.Amount("amount"); err != nil {
		return nil, payment.ReasonUnrecognised
	}
	fee, known := o.Int("wage")
	if known && fee > 0 {
		rc.Fee, rc.FeePayer = payment.Rials(fee), feeMerchant
	}
	if p.Fee != feePayer || rc.Amount == 0 {
		return rc, ""
	}
	price, err := o.Amount("realAmount")
	switch {
	case err != nil || o.Has("wage") && !known || fee < 0:
		return nil, payment.ReasonUnrecognised
	case price == 0:
		price = rc.Amount - payment.Rials(fee)
	}
	if known && price+payment.Rials(fee) != rc.Amount || price <= 0 || price > rc.Amount {
		return nil, payment.ReasonFee
	}
	rc.Paid, rc.Amount = rc.Amount, price
	if rc.Fee > 0 {
		rc.FeePayer = feePayer
	}
	return rc, ""
}
