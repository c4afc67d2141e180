package vandar

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// request is the body of create.
type request struct {
	Key         string        `json:"api_key"`
	Amount      payment.Rials `json:"amount"`
	Callback    string        `json:"callback_url"`
	Order       string        `json:"factorNumber,omitempty"`
	Description string        `json:"description,omitempty"`
	Mobile      string        `json:"mobile_number,omitempty"`
}

// named is the body of verify and of transaction.
type named struct {
	Key   string `json:"api_key"`
	Token string `json:"token"`
}

// maxDescription is how many characters `description` may have.
const maxDescription = 255

// Verify implements [payment.Provider] (/api/v4/verify). What a repeated verify is
// answered may lack the amount: then transaction is asked for it, in the same time.
func (p *Provider) Verify(ctx context.Context, q payment.Query) payment.Answer {
	if !checkToken(q.ID) {
		return wire.Unsent()
	}
	ctx, cancel := context.WithTimeout(ctx, p.CallTimeout())
	defer cancel()
	a := p.verifyAnswer(p.ask(ctx, "/api/v4/verify", q.ID))
	if a.Outcome == payment.OutcomeAgain && a.Receipt.Amount == 0 {
		return p.Details(ctx, q, a)
	}
	return a
}

// Details implements [payment.Detailer] (/api/v4/transaction). What the transaction of a verified
// payment says is documented by nothing but its amount.
func (p *Provider) Details(ctx context.Context, q payment.Query, again payment.Answer) payment.Answer {
	if !checkToken(q.ID) {
		return wire.Unsent()
	}
	return p.again(again, p.ask(ctx, "/api/v4/transaction", q.ID))
}

// Inquire implements [payment.Inquirer] (/api/v4/transaction).
func (p *Provider) Inquire(ctx context.Context, q payment.Query) payment.Answer {
	if !checkToken(q.ID) {
		return wire.Unsent()
	}
	return p.transactionAnswer(p.ask(ctx, "/api/v4/transaction", q.ID))
}

// Create implements [payment.Creator] (/api/v4/send).
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := protocol.CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("vandar: %w: %w", payment.ErrRefused, err)
	}
	return p.started(p.PostJSON(ctx, p.API().URL("/api/v4/send"), request{
		p.Key().Reveal(), o.Amount, o.Return, o.Number, wire.Cut(o.Title, maxDescription), o.Buyer.Mobile,
	}, nil))
}

// started reads an answer to create.
func (p *Provider) started(r wire.Reply) (payment.Started, error) {
	token := r.Object.Text("token")
	if fault, failed := read(r); failed && token == "" {
		return payment.Started{}, wire.Refused("vandar", strconv.Itoa(r.Status), fault == faultKey || fault == faultCallback)
	}
	status, ok := r.Object.Int("status")
	if !ok || status != statusOK || r.Status != http.StatusOK && r.Status != http.StatusCreated || !checkToken(token) {
		return payment.Started{}, fmt.Errorf("vandar: send: %w", r.Answer().Err)
	}
	return payment.Started{ID: token, PayURL: p.PageOf(token)}, nil
}

func (p *Provider) ask(ctx context.Context, path, token string) wire.Reply {
	return p.PostJSON(ctx, p.API().URL(path), named{p.Key().Reveal(), token}, nil)
}
