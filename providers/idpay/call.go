package idpay

import (
	"context"
	"fmt"
	"net/http"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// pair is the body of verify and inquiry, in the document's order.
type pair struct {
	ID    string `json:"id"`
	Order string `json:"order_id"`
}

// order is the body of create. Name, phone and mail are the payer's; IDPay drops what
// it can't read.
type order struct {
	Order    string        `json:"order_id"`
	Amount   payment.Rials `json:"amount"`
	Desc     string        `json:"desc,omitempty"`
	Callback string        `json:"callback"`
	Name     string        `json:"name,omitempty"`
	Phone    string        `json:"phone,omitempty"`
	Mail     string        `json:"mail,omitempty"`
}

// maxDesc is how many characters `desc` may have.
const maxDesc = 255

// Verify implements [payment.Provider] (IDPay v1.1, /payment/verify).
func (p *Provider) Verify(ctx context.Context, q payment.Query) payment.Answer {
	return verifyAnswer(p.post(ctx, "/v1.1/payment/verify", pair{q.ID, q.Order}))
}

// Inquire implements [payment.Inquirer] (IDPay v1.1, /payment/inquiry).
func (p *Provider) Inquire(ctx context.Context, q payment.Query) payment.Answer {
	return inquiryAnswer(p.post(ctx, "/v1.1/payment/inquiry", pair{q.ID, q.Order}))
}

// Create implements [payment.Creator] (IDPay v1.1, /payment). The browser is
// sent to the link that IDPay gives.
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := protocol.CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("idpay: %w: %w", payment.ErrRefused, err)
	}
	return p.started(p.post(ctx, "/v1.1/payment", order{o.Number, o.Amount, wire.Cut(o.Title, maxDesc), o.Return, o.Buyer.Name, o.Buyer.Mobile, o.Buyer.Email}))
}

// started reads an answer to create.
func (p *Provider) started(r wire.Reply) (payment.Started, error) {
	if r.Spoke() && !r.Object.Has("id") && r.Status >= 400 {
		if code, ok := r.Object.Int("error_code"); ok {
			return payment.Started{}, refusal(code)
		}
	}
	id := r.Object.Text("id")
	if (r.Status != http.StatusCreated && r.Status != http.StatusOK) || r.Object.Has("error_code") || !checkID(id) {
		return payment.Started{}, fmt.Errorf("idpay: create: %w", r.Answer().Err)
	}
	link, ok := wire.Link(r.Object.Text("link"))
	if !ok {
		link = p.PageOf(id)
	}
	return payment.Started{ID: id, PayURL: link}, nil
}

// refusal returns the error of a create that IDPay answered with a code.
func refusal(code int64) error {
	if text := says[code]; text != "" {
		return fmt.Errorf("idpay: %w (code %d: %s): %w", payment.ErrRefused, code, text, payment.ErrOperator)
	}
	return errorCodes.Refused("idpay", code)
}

func (p *Provider) post(ctx context.Context, path string, body any) wire.Reply {
	return p.postTo(ctx, p.API().URL(path), body)
}

func (p *Provider) postTo(ctx context.Context, address string, body any) wire.Reply {
	header := map[string]string{"X-API-KEY": p.Key().Reveal()}
	if p.Sandbox {
		header["X-SANDBOX"] = "1"
	}
	return p.PostJSON(ctx, address, body, header)
}
