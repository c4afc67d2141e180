package nextpay

import (
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// verifyAnswer reads an answer to verify. It is pure.
func (p *Provider) verifyAnswer(r wire.Reply) payment.Answer { return p.verifyAnswerIn(r, p.unit()) }

// verifyAnswerIn reads an answer whose call named a unit.
func (p *Provider) verifyAnswerIn(r wire.Reply, unit payment.Unit) payment.Answer {
	a := r.Answer()
	code, ok := r.Object.Int("code")
	if !r.Spoke() || !ok {
		return a
	}
	if code == codeDone {
		return p.paid(r, a, unit)
	}
	text := strconv.FormatInt(code, 10)
	if wire.Reference(r.Object.Text(memberReference)) != "" && !p.already(code) && code != -90 {
		// The bank's reference belongs to money that was taken: not a "no".
		return wire.Unread(a, payment.ReasonUnrecognised, text, nil)
	}
	if !p.already(code) {
		return codes.Answer(a, code, text)
	}
	rc, err := p.receipt(r.Object, unit)
	if err != nil {
		return wire.Unread(a, payment.ReasonUnrecognised, text, err)
	}
	return wire.Accept(a, payment.OutcomeAgain, text, rc)
}

// already: clients take −49 for "verified before", and −25 reads like it. What
// NextPay means by them is not confirmed, so the owner may say.
func (p *Provider) already(code int64) bool {
	switch p.Already {
	case alreadyNone:
		return false
	case alreadyBoth:
		return code == codeRepeated || code == codeDoneOnce
	}
	return code == codeRepeated
}

// memberReference is the bank's reference.
const memberReference = "Shaparak_Ref_Id"

// paid reads a success. The amount is what the shop is credited by: without it
// there is no success that we know.
func (p *Provider) paid(r wire.Reply, a payment.Answer, unit payment.Unit) payment.Answer {
	rc, err := p.receipt(r.Object, unit)
	if err == nil && (rc.Amount == 0 || r.Status != http.StatusOK) {
		err = wire.ErrAnswer
	}
	if err != nil {
		return wire.Unread(a, payment.ReasonUnrecognised, strconv.Itoa(codeDone), err)
	}
	return wire.Accept(a, payment.OutcomePaid, strconv.Itoa(codeDone), rc)
}

// receipt reads the members of a success; the amount is in the unit that the call
// named. The times that come with it have no zone and are left alone.
func (p *Provider) receipt(o wire.Object, unit payment.Unit) (*payment.Receipt, error) {
	amount, err := o.AmountIn("amount", unit)
	if err != nil {
		return nil, err
	}
	rc := &payment.Receipt{
		Amount:    amount,
		Reference: wire.Reference(o.Text(memberReference)),
		Card:      wire.MaskCard(o.Text("card_holder")),
	}
	if p.comparesOrder() {
		rc.Order = o.Text("order_id")
	}
	return rc, nil
}
