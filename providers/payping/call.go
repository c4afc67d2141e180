package payping

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// verify is the body of verify: all three are required (PayPing v3). The amount is
// in toman.
type verify struct {
	Ref    int64  `json:"paymentRefId"`
	Code   string `json:"paymentCode"`
	Amount int64  `json:"amount"`
}

// create is the body of create; split is not known here. The payer's identity is a
// mobile number or an e-mail address.
type create struct {
	Amount      int64  `json:"amount"`
	Return      string `json:"returnUrl"`
	Description string `json:"description,omitempty"`
	Order       string `json:"clientRefId"`
	Reversible  bool   `json:"isReversible,omitempty"`
	Payer       string `json:"payerName,omitempty"`
	Identity    string `json:"payerIdentity,omitempty"`
}

// Verify implements [payment.Provider] (PayPing v3, /v3/pay/verify).
func (p *Provider) Verify(ctx context.Context, q payment.Query) payment.Answer {
	ref, ok := refID(q.Proof)
	if !ok || !checkCode(q.ID) {
		return wire.Unsent()
	}
	amount, whole := payment.Toman.Of(q.Amount)
	if !whole {
		// PayPing can't be told this price, so no payment of it can be behind the code.
		return wire.Settle(wire.Reply{Unsent: true}.Answer(), payment.OutcomeDoubt, payment.ReasonAmount, "step")
	}
	return p.verifyAnswer(p.post(ctx, "/v3/pay/verify", verify{ref, q.ID, amount}), ref)
}

// Inquire implements [payment.Inquirer] (/v1/report/{code}).
func (p *Provider) Inquire(ctx context.Context, q payment.Query) payment.Answer {
	if !checkCode(q.ID) { // it goes into a path
		return wire.Unsent()
	}
	return p.reportAnswer(p.Get(ctx, p.API().URL("/v1/report", q.ID), p.bearer()))
}

// Create implements [payment.Creator] (PayPing v3, /v3/pay). The browser is sent to
// the address that PayPing gives.
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := protocol.CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("payping: %w: %w", payment.ErrRefused, err)
	}
	amount, _ := payment.Toman.Of(o.Amount) // whole, as CheckAmount has seen
	return p.started(p.post(ctx, "/v3/pay", create{
		amount, o.Return, o.Title, o.Number, p.Reversible == wire.On, o.Buyer.Name, cmp.Or(o.Buyer.Mobile, o.Buyer.Email),
	}))
}

// started reads an answer to create, whose members come in several cases.
func (p *Provider) started(r wire.Reply) (payment.Started, error) {
	unread := fmt.Errorf("payping: create: %w", r.Answer().Err)
	if !r.Spoke() {
		return payment.Started{}, unread
	}
	o := lower(r.Object)
	code := o.Text("paymentcode")
	switch {
	case r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden:
		return payment.Started{}, wire.Refused("payping", "http/"+strconv.Itoa(r.Status), true)
	case r.Status >= 400 && code == "":
		n, ok := metaCode(o)
		owner := ok && codes[n].Outcome == payment.OutcomeOperator
		if owner || r.Status == http.StatusBadRequest || r.Status == http.StatusUnprocessableEntity {
			return payment.Started{}, wire.Refused("payping", strconv.FormatInt(n, 10), owner)
		}
		return payment.Started{}, unread
	case r.Status != http.StatusOK && r.Status != http.StatusCreated, !checkCode(code), o.Has("metadata"):
		return payment.Started{}, unread
	}
	link, ok := wire.Link(o.Text("url"))
	if !ok {
		link = p.PageOf(code)
	}
	return payment.Started{ID: code, PayURL: link}, nil
}

func (p *Provider) bearer() map[string]string {
	return map[string]string{"Authorization": "Bearer " + p.Key().Reveal()}
}

func (p *Provider) post(ctx context.Context, path string, body any) wire.Reply {
	return p.PostJSON(ctx, p.API().URL(path), body, p.bearer())
}
