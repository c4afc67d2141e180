package nextpay

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Verify implements [payment.Provider] (/nx/gateway/verify).
func (p *Provider) Verify(ctx context.Context, q payment.Query) payment.Answer {
	amount, whole := p.unit().Of(q.Amount)
	if !whole {
		// NextPay can't be told this price, so no payment of it can be behind the id.
		return wire.Settle(wire.Reply{Unsent: true}.Answer(), payment.OutcomeDoubt, payment.ReasonAmount, "step")
	}
	return p.verifyAnswer(p.post(ctx, "/nx/gateway/verify",
		wire.Field{"api_key", p.Key().Reveal()}, wire.Field{"trans_id", q.ID},
		wire.Field{"amount", strconv.FormatInt(amount, 10)}, wire.Field{"currency", p.currency()}))
}

// Create implements [payment.Creator] (/nx/gateway/token). auto_verify is never
// asked for: a payment is verified here or not at all.
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := p.Protocol().CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("nextpay: %w: %w", payment.ErrRefused, err)
	}
	amount, _ := p.unit().Of(o.Amount) // whole, as CheckAmount has seen
	fields := []wire.Field{
		{"api_key", p.Key().Reveal()}, {"order_id", o.Number},
		{"amount", strconv.FormatInt(amount, 10)}, {"callback_uri", o.Return}, {"currency", p.currency()},
	}
	if o.Title != "" {
		fields = append(fields, wire.Field{"payer_desc", o.Title})
	}
	if o.Buyer.Mobile != "" {
		fields = append(fields, wire.Field{"customer_phone", o.Buyer.Mobile})
	}
	return p.started(p.post(ctx, "/nx/gateway/token", fields...))
}

// started reads an answer to create, whose success is −1.
func (p *Provider) started(r wire.Reply) (payment.Started, error) {
	code, ok := r.Object.Int("code")
	if !r.Spoke() || !ok {
		return payment.Started{}, fmt.Errorf("nextpay: create: %w", r.Answer().Err)
	}
	id, named := wire.UUID(r.Object.Text("trans_id"))
	switch {
	case code == codeStarted && named && r.Status == http.StatusOK:
		return payment.Started{ID: id, PayURL: p.PageOf(id)}, nil
	case code != codeStarted && !named:
		return payment.Started{}, codes.Refused("nextpay", code)
	}
	return payment.Started{}, fmt.Errorf("nextpay: create: %w", wire.ErrAnswer)
}

func (p *Provider) post(ctx context.Context, path string, fields ...wire.Field) wire.Reply {
	return p.PostForm(ctx, p.API().URL(path), fields...)
}
