package payping

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// undo is the body of reverse.
type undo struct {
	Ref  int64  `json:"paymentRefId"`
	Code string `json:"paymentCode"`
}

// The codes of reverse (PayPing v3): created without isReversible, and too late.
const (
	codeNotReversible = 134
	codeTooLate       = 135
)

// ReverseTerms implements [payment.Reverser]: the whole payment, up to 30 minutes
// after verify, if it was created as one that can be reversed.
func (*Provider) ReverseTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Within: 30 * time.Minute}, true
}

// Reverse implements [payment.Reverser] (/v3/pay/reverse).
func (p *Provider) Reverse(ctx context.Context, q payment.GiveBack) payment.GivenBack {
	ref, ok := refID(q.Number)
	if !ok || !checkCode(q.ID) {
		return wire.UnsentGiveBack()
	}
	return reverseAnswer(p.post(ctx, "/v3/pay/reverse", undo{ref, q.ID}))
}

// reverseAnswer reads an answer to reverse. It is pure. What a success looks like is
// not documented: 200 with an object that is no error is one. 204 is what a proxy
// answers, too: it is unknown.
func reverseAnswer(r wire.Reply) payment.GivenBack {
	g := r.GiveBack()
	if r.Status == http.StatusOK && r.Object != nil && !lower(r.Object).Has("metadata") {
		return wire.Gave(g, payment.GiveBackDone, strconv.Itoa(r.Status))
	}
	if !r.Spoke() || r.Status < 400 {
		return g
	}
	if r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden {
		return wire.Gave(g, payment.GiveBackOperator, "http/"+strconv.Itoa(r.Status))
	}
	code, ok := metaCode(lower(r.Object))
	if !ok {
		return g
	}
	text := strconv.FormatInt(code, 10)
	switch m := codes[code]; {
	case code == codeNotReversible, code == codeTooLate, m.Outcome == payment.OutcomeRefused && m.Reason != payment.ReasonCancelled:
		return wire.Gave(g, payment.GiveBackRefused, text)
	case m.Outcome == payment.OutcomeOperator:
		return wire.Gave(g, payment.GiveBackOperator, text)
	}
	return wire.Gave(g, payment.GiveBackUnknown, text)
}
