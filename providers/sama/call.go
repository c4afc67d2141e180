package sama

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// verify is the body of verify, in the sample's order. The document's table
// calls amount an integer, its sample sends a text; we follow the sample.
type verify struct {
	Amount    string `json:"amount"`
	Merchant  string `json:"merchant_id"`
	Authority string `json:"authority"`
}

// request is the body of create: the members of the document's sample that we
// can fill. Which ones are required is not documented.
type request struct {
	Amount      string `json:"amount"`
	Merchant    string `json:"merchant_id"`
	Description string `json:"description"`
	Callback    string `json:"callback_url"`
	Currency    string `json:"currency"`
	Type        string `json:"payment_type"`
}

// Verify implements [payment.Provider] (Sama v2, verify).
func (p *Provider) Verify(ctx context.Context, q payment.Query) payment.Answer {
	return verifyAnswer(p.post(ctx, "/api/pg/v2/payment/verify.json/", verify{q.Amount.String(), p.Key().Reveal(), q.ID}))
}

// Create implements [payment.Creator]. The request is documented, the answer is
// inferred; see [Provider].
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if !p.CanCreate() {
		return payment.Started{}, fmt.Errorf("sama: %w: create is off: %w", payment.ErrRefused, payment.ErrOperator)
	}
	if err := protocol.CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("sama: %w: %w", payment.ErrRefused, err)
	}
	return p.started(p.post(ctx, "/api/pg/v2/payment/request.json/", request{
		Amount: o.Amount.String(), Merchant: p.Key().Reveal(), Description: cmp.Or(o.Title, o.Number),
		Callback: o.Return, Currency: "IRR", Type: "installment",
	}))
}

// started reads an answer to create.
func (p *Provider) started(r wire.Reply) (payment.Started, error) {
	data, ok := r.Object.Object("data")
	errs, ok2 := r.Object.Object("errors")
	unread := fmt.Errorf("sama: create: %w", r.Answer().Err)
	if !r.Spoke() || !ok || !ok2 || (len(data) > 0 && len(errs) > 0) {
		return payment.Started{}, unread
	}
	if code := wire.Code(errs.Text("code")); code != "" && (r.Status == http.StatusBadRequest || r.Status == http.StatusUnauthorized) {
		return payment.Started{}, wire.Refused("sama", code, r.Status == http.StatusUnauthorized)
	}
	id, ok := wire.UUID(data.Text("authority"))
	if !ok || (r.Status != http.StatusOK && r.Status != http.StatusCreated) {
		return payment.Started{}, unread
	}
	if code, isInt := data.Int("code"); data.Has("code") && (!isInt || code != codeVerified) {
		return payment.Started{}, unread
	}
	for _, name := range []string{"payment_url", "url", "link"} {
		if link, ok := wire.Link(data.Text(name)); ok {
			return payment.Started{ID: id, PayURL: link}, nil
		}
	}
	return payment.Started{ID: id, PayURL: p.PageOf(id)}, nil
}

func (p *Provider) post(ctx context.Context, path string, body any) wire.Reply {
	return p.PostJSON(ctx, p.API().URL(path), body, nil)
}
