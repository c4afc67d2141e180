package toy

import (
	"context"
	"strconv"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// codeTooLate: the toy takes a payment back for an hour.
const codeTooLate = 7

// RefundTerms implements [payment.Refunder].
func (*Provider) RefundTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Within: time.Hour, Partial: true, Least: 10_000, Step: payment.Rials(payment.Toman)}, true
}

// Refund implements [payment.Refunder]. Only the codes that the document lists say
// that nothing went back.
func (p *Provider) Refund(ctx context.Context, q payment.GiveBack) payment.GivenBack {
	toman, whole := payment.Toman.Of(q.Amount)
	if !whole || !checkRef(q.ID) {
		return wire.UnsentGiveBack()
	}
	return gaveBack(p.post(ctx, "/refund", map[string]any{"ref": q.ID, "amount": toman, "key": q.Key}))
}

// ReverseTerms implements [payment.Reverser].
func (*Provider) ReverseTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Within: 10 * time.Minute}, true
}

// Reverse implements [payment.Reverser].
func (p *Provider) Reverse(ctx context.Context, q payment.GiveBack) payment.GivenBack {
	if !checkRef(q.ID) {
		return wire.UnsentGiveBack()
	}
	return gaveBack(p.post(ctx, "/reverse", map[string]any{"ref": q.ID}))
}

// gaveBack reads the answer to a refund or a reversal.
func gaveBack(r wire.Reply) payment.GivenBack {
	g := r.GiveBack()
	code, ok := r.Object.Int("code")
	if !r.Spoke() || !ok {
		return g
	}
	text := strconv.FormatInt(code, 10)
	switch code {
	case codeOK:
		return wire.Gave(g, payment.GiveBackDone, text)
	case codeNotPaid, codeTooLate:
		return wire.Gave(g, payment.GiveBackRefused, text)
	case codeTerminal:
		return wire.Gave(g, payment.GiveBackOperator, text)
	}
	return wire.Gave(g, payment.GiveBackUnknown, text)
}

// Interface guards
var (
	_ payment.Refunder = (*Provider)(nil)
	_ payment.Reverser = (*Provider)(nil)
)
