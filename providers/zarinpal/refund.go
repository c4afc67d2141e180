package zarinpal

import (
	"context"
	"net/http"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

const pathReverse = "/pg/v4/payment/reverse.json"

// ReverseTerms implements [payment.Reverser]: the whole payment, up to 30 minutes
// after verify, from an address that is set in Zarinpal's panel. Refunds are another
// API, which knows payments by another id.
func (*Provider) ReverseTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Within: 30 * time.Minute}, true
}

// Reverse implements [payment.Reverser].
func (p *Provider) Reverse(ctx context.Context, q payment.GiveBack) payment.GivenBack {
	if !checkAuthority(q.ID) {
		return wire.UnsentGiveBack()
	}
	return reverseAnswer(p.post(ctx, pathReverse, inquiry{p.Key().Reveal(), q.ID}))
}

// The codes of reverse: −60 can't be reversed, −61 not successful or reversed before,
// −62 the server's address is not set, −63 too late.
const (
	codeIrreversible = -60
	codeNotSuccess   = -61
	codeNoAddress    = -62
	codeTooLate      = -63
)

// reverseAnswer reads an answer to reverse. It is pure. "Not successful or reversed
// before" (−61) can mean that the money went back: it is unknown.
func reverseAnswer(r wire.Reply) payment.GivenBack {
	g := r.GiveBack()
	s, ok := open(r)
	if !ok {
		return g
	}
	text := s.text()
	switch {
	case !s.failed() && s.code == codeDone && r.Status == http.StatusOK:
		return wire.Gave(g, payment.GiveBackDone, text)
	case !s.failed() || s.code == codeNotSuccess:
		return wire.Gave(g, payment.GiveBackUnknown, text)
	case s.code == codeNoAddress || s.owners():
		return wire.Gave(g, payment.GiveBackOperator, text)
	case s.code == codeIrreversible, s.code == codeTooLate, errorCodes[s.code].Outcome == payment.OutcomeRefused, s.code == codeValidation:
		return wire.Gave(g, payment.GiveBackRefused, text)
	}
	return wire.Gave(g, payment.GiveBackUnknown, text)
}
