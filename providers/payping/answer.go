package payping

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// lower gives the members' names in lower case: PayPing writes paymentCode and
// PaymentCode. No two names of an object differ in case only, so nothing is lost.
func lower(o wire.Object) wire.Object {
	out := make(wire.Object, len(o))
	for name, v := range o {
		out[strings.ToLower(name)] = v
	}
	return out
}

// metaCode reads metaData.code of an error; o has names in lower case.
func metaCode(o wire.Object) (int64, bool) {
	meta, _ := o.Object("metadata")
	return lower(meta).Int("code")
}

// verifyAnswer reads an answer to verify; ref is the bank's number that was asked
// about. It is pure.
func (p *Provider) verifyAnswer(r wire.Reply, ref int64) payment.Answer {
	a := r.Answer()
	if r.Status == http.StatusAccepted || r.Status == http.StatusBadGateway {
		// The document has both for "still being settled, verify again".
		a.Outcome, a.Reason = payment.OutcomeBusy, payment.ReasonProcessing
		return a
	}
	if !r.Spoke() {
		return a
	}
	o := lower(r.Object)
	if r.Status == http.StatusOK && !o.Has("metadata") {
		return p.paid(o, a, ref, payment.OutcomePaid, strconv.Itoa(http.StatusOK))
	}
	code, ok := metaCode(o)
	text := strconv.FormatInt(code, 10)
	switch {
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		return wire.Settle(a, payment.OutcomeOperator, payment.ReasonOperator, "http/"+strconv.Itoa(r.Status))
	case r.Status < 400 || !ok:
		return a
	case code == codeBefore, code == codeBeforeTable:
		return p.before(o, a, ref, text)
	}
	return codes.Answer(a, code, text)
}

// before reads "verified before". Without a payment nothing shows that it is this one: a
// person must look.
func (p *Provider) before(o wire.Object, a payment.Answer, ref int64, code string) payment.Answer {
	paid := paidBefore(o)
	if len(paid) == 0 {
		return wire.Settle(a, payment.OutcomeDoubt, payment.ReasonUnexplained, code)
	}
	return p.paid(paid, a, ref, payment.OutcomeAgain, code)
}

// paidBefore returns the payment that "verified before" has in metaData.message, as an
// object or as its text. Names are in lower case.
func paidBefore(o wire.Object) wire.Object {
	meta, _ := o.Object("metadata")
	meta = lower(meta)
	paid, _ := meta.Object("message")
	if text := meta.Text("message"); text != "" {
		paid, _ = wire.ParseObject([]byte(text))
	}
	return lower(paid)
}

// paid reads a payment. Amount and the bank's number are what the shop is credited
// by: without them there is no success that we know. The number must be the one
// that was asked about: the browser brought it, and it may be another payment's.
func (p *Provider) paid(o wire.Object, a payment.Answer, ref int64, outcome payment.Outcome, code string) payment.Answer {
	rc, err := p.receipt(o)
	n, ok := o.Int("paymentrefid")
	if err == nil && (rc.Amount == 0 || !ok || n <= 0 || rc.ID != "" && !checkCode(rc.ID)) {
		err = wire.ErrAnswer
	}
	if err != nil {
		return wire.Unread(a, payment.ReasonUnrecognised, code, err)
	}
	if n != ref {
		return wire.Settle(a, payment.OutcomeDoubt, payment.ReasonIDDiffers, code)
	}
	rc.Number = strconv.FormatInt(n, 10)
	return wire.Accept(a, outcome, code, rc)
}

// receipt reads the members of a payment, whose names are in lower case.
func (p *Provider) receipt(o wire.Object) (*payment.Receipt, error) {
	amount, err := o.AmountIn("amount", payment.Toman)
	if err != nil {
		return nil, err
	}
	rc := &payment.Receipt{
		Amount:    amount,
		Reference: wire.Reference(o.Text("paymentrefid")),
		Card:      wire.MaskCard(o.Text("cardnumber")),
	}
	for _, name := range []string{"code", "paymentcode"} {
		if rc.ID == "" {
			rc.ID = o.Text(name)
		}
	}
	if p.comparesOrder() {
		rc.Order = o.Text("clientrefid")
	}
	if t, err := time.Parse("2006-01-02 15:04:05Z", o.Text("payeddate")); err == nil && t.Year() >= 2000 {
		rc.PaidAt = t.UTC()
	}
	for name, payer := range map[string]string{"payerwage": "payer", "businesswage": "merchant"} {
		if fee, err := o.AmountIn(name, payment.Toman); err == nil && fee > 0 && (payer == "payer" || rc.Fee == 0) {
			rc.Fee, rc.FeePayer = fee, payer // for people only
		}
	}
	return rc, nil
}

// The states in a report.
const (
	stateCreated   = 0
	stateVerified  = 1
	stateAtBank    = 2
	stateCancelled = 3
	stateFailed    = 4
	stateWaiting   = 5
)

// reportAnswer reads a report. It is pure.
func (p *Provider) reportAnswer(r wire.Reply) payment.Answer {
	a := r.Answer()
	if !r.Spoke() {
		return a
	}
	o := lower(r.Object)
	state, ok := o.Int("paymentstatus")
	if r.Status != http.StatusOK || !ok || o.Has("metadata") {
		code, coding := metaCode(o)
		switch {
		case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
			return wire.Settle(a, payment.OutcomeOperator, payment.ReasonOperator, "http/"+strconv.Itoa(r.Status))
		case r.Status >= 400 && coding:
			return codes.Answer(a, code, strconv.FormatInt(code, 10))
		}
		return a
	}
	text := strconv.FormatInt(state, 10)
	paid, told := o.Bool("ispaid")
	if told && paid != (state == stateVerified || state == stateWaiting) {
		return wire.Unread(a, payment.ReasonUnrecognised, text, nil)
	}
	switch state {
	case stateCreated, stateAtBank:
		return wire.Settle(a, payment.OutcomeOpen, "", text)
	case stateCancelled:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonCancelled, text)
	case stateFailed:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonNotPaid, text)
	case stateVerified, stateWaiting:
		rc, err := p.receipt(o)
		if err != nil {
			return wire.Unread(a, payment.ReasonUnrecognised, text, err)
		}
		if state == stateVerified {
			return wire.Accept(a, payment.OutcomeAgain, text, rc)
		}
		return wire.Accept(a, payment.OutcomeAwaiting, text, rc)
	}
	return wire.Unread(a, payment.ReasonBadAnswer, text, nil)
}
