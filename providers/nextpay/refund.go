package nextpay

import (
	"context"
	"strconv"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The codes of a refund. Its success is −90, and 0 is none.
const codeRefunded = -90

// refundCodes are those that say that nothing was given back. −91 and −92 are
// "failed"; −93: the fund is too low; −94 and −29: the refund's key.
var refundCodes = map[int64]payment.GiveBackOutcome{
	-91: payment.GiveBackRefused, -92: payment.GiveBackRefused,
	-93: payment.GiveBackOperator, -94: payment.GiveBackOperator, -29: payment.GiveBackOperator,
}

// RefundTerms implements [payment.Refunder]: the whole payment, within 20 minutes,
// says one client; no document is known that names a part.
func (p *Provider) RefundTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Within: 20 * time.Minute, Step: payment.Rials(p.unit())}, true
}

// Refund implements [payment.Refunder] (/nx/gateway/verify with refund_request). It
// is the address of verify: without the word this call would settle a payment.
func (p *Provider) Refund(ctx context.Context, q payment.GiveBack) payment.GivenBack {
	amount, whole := p.unit().Of(q.Amount)
	id, ok := wire.UUID(q.ID)
	if !whole || !ok {
		return wire.UnsentGiveBack()
	}
	return refundAnswer(p.post(ctx, "/nx/gateway/verify",
		wire.Field{"api_key", p.Key().Reveal()}, wire.Field{"trans_id", id},
		wire.Field{"amount", strconv.FormatInt(amount, 10)}, wire.Field{"currency", p.currency()},
		wire.Field{"refund_request", "yes_money_back"}))
}

// refundAnswer reads an answer to a refund. It is pure.
func refundAnswer(r wire.Reply) payment.GivenBack {
	g := r.GiveBack()
	code, ok := r.Object.Int("code")
	if !r.Spoke() || !ok {
		return g
	}
	text := strconv.FormatInt(code, 10)
	if code == codeRefunded {
		return wire.Gave(g, payment.GiveBackDone, text)
	}
	if outcome, known := refundCodes[code]; known {
		return wire.Gave(g, outcome, text)
	}
	switch codes[code].Outcome {
	case payment.OutcomeOperator:
		return wire.Gave(g, payment.GiveBackOperator, text)
	case payment.OutcomeRefused:
		return wire.Gave(g, payment.GiveBackRefused, text)
	}
	return wire.Gave(g, payment.GiveBackUnknown, text)
}
