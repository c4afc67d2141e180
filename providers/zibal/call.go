package zibal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// request is the body of create.
type request struct {
	Merchant    string        `json:"merchant"`
	Amount      payment.Rials `json:"amount"`
	Callback    string        `json:"callbackUrl"`
	Description string        `json:"description,omitempty"`
	Order       string        `json:"orderId"`
	Mobile      string        `json:"mobile,omitempty"`
}

// named is the body of verify and inquiry. The id is a number: written as a text it
// was answered with HTTP 500.
type named struct {
	Merchant string      `json:"merchant"`
	TrackID  json.Number `json:"trackId"`
}

// Verify implements [payment.Provider]. 201 leads to an inquiry for the details;
// both calls share the time-out.
func (p *Provider) Verify(ctx context.Context, q payment.Query) payment.Answer {
	ctx, cancel := context.WithTimeout(ctx, p.CallTimeout())
	defer cancel()
	a := verifyAnswer(p.ask(ctx, "/v1/verify", q.ID))
	if a.Outcome != payment.OutcomeAgain {
		return a
	}
	return again(a, inquiryAnswer(p.ask(ctx, "/v1/inquiry", q.ID)))
}

// Inquire implements [payment.Inquirer].
func (p *Provider) Inquire(ctx context.Context, q payment.Query) payment.Answer {
	return inquiryAnswer(p.ask(ctx, "/v1/inquiry", q.ID))
}

// Create implements [payment.Creator].
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := protocol.CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("zibal: %w: %w", payment.ErrRefused, err)
	}
	return p.started(p.post(ctx, "/v1/request", request{p.Key().Reveal(), o.Amount, o.Return, o.Title, o.Number, o.Buyer.Mobile}))
}

// started reads an answer to create.
func (p *Provider) started(r wire.Reply) (payment.Started, error) {
	unread := fmt.Errorf("zibal: create: %w", r.Answer().Err)
	result, ok := r.Object.Int("result")
	if !r.Spoke() || !ok {
		return payment.Started{}, unread
	}
	if results[result].Unmade {
		return payment.Started{}, results.Refused("zibal", result)
	}
	id := payment.ASCIIDigits(r.Object.Text("trackId"))
	if result != resultOK || (r.Status != http.StatusOK && r.Status != http.StatusCreated) || !checkTrackID(id) {
		return payment.Started{}, unread
	}
	return payment.Started{ID: id, PayURL: p.PageOf(id)}, nil
}

// ask names a payment to a call. What is no id of Zibal's is not sent.
func (p *Provider) ask(ctx context.Context, path, id string) wire.Reply {
	if !checkTrackID(id) {
		return wire.Reply{Err: wire.ErrRequest, Unsent: true}
	}
	return p.post(ctx, path, named{p.Key().Reveal(), json.Number(id)})
}

func (p *Provider) post(ctx context.Context, path string, body any) wire.Reply {
	return p.PostJSON(ctx, p.API().URL(path), body, nil)
}
