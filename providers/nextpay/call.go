package nextpay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

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
		field{"api_key", p.key.Reveal()}, field{"trans_id", q.ID},
		field{"amount", strconv.FormatInt(amount, 10)}, field{"currency", p.currency()}))
}

// CanCreate implements [payment.Creator].
func (*Provider) CanCreate() bool { return true }

// Create implements [payment.Creator] (/nx/gateway/token). auto_verify is never
// asked for: a payment is verified here or not at all.
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := p.Protocol().CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("nextpay: %w: %w", payment.ErrRefused, err)
	}
	amount, _ := p.unit().Of(o.Amount) // whole, as CheckAmount has seen
	fields := []field{
		{"api_key", p.key.Reveal()}, {"order_id", o.Number},
		{"amount", strconv.FormatInt(amount, 10)}, {"callback_uri", o.Return}, {"currency", p.currency()},
	}
	if o.Title != "" {
		fields = append(fields, field{"payer_desc", o.Title})
	}
	return p.started(p.post(ctx, "/nx/gateway/token", fields...))
}

// started reads an answer to create, whose success is −1.
func (p *Provider) started(r wire.Reply) (payment.Started, error) {
	code, ok := r.Object.Int("code")
	if !r.Spoke() || !ok {
		return payment.Started{}, fmt.Errorf("nextpay: create: %w", r.Answer().Err)
	}
	id, named := transID(r.Object.Text("trans_id"))
	switch {
	case code == codeStarted && named && r.Status == http.StatusOK:
		return payment.Started{ID: id, PayURL: p.pages[0].URL(id)}, nil
	case code != codeStarted && !named:
		return payment.Started{}, refusal(code)
	}
	return payment.Started{}, fmt.Errorf("nextpay: create: %w", wire.ErrAnswer)
}

// refusal is the error of a create that NextPay answered with a code.
func refusal(code int64) error {
	switch m := codes[code]; {
	case m.refuses && m.owner:
		return fmt.Errorf("nextpay: %w (code %d): %w", payment.ErrRefused, code, payment.ErrOperator)
	case m.refuses:
		return fmt.Errorf("nextpay: %w (code %d)", payment.ErrRefused, code)
	}
	return fmt.Errorf("nextpay: create: code %d: %w", code, wire.ErrAnswer)
}

// field is one of a form's.
type field struct{ name, value string }

// post sends a form with its fields in the given order.
func (p *Provider) post(ctx context.Context, path string, fields ...field) wire.Reply {
	var form strings.Builder
	for i, f := range fields {
		if i > 0 {
			form.WriteByte('&')
		}
		form.WriteString(f.name + "=" + url.QueryEscape(f.value))
	}
	return p.client.Do(ctx, wire.Call{URL: p.api.URL(path), Type: wire.Form, Body: []byte(form.String())})
}
