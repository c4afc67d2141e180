package invoice

import (
	"context"
	"fmt"
	"net/http"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Verify implements [payment.Provider] (invoice script, /invoice/check). Its
// answer is always OutcomePaid where it is one: the script can't tell the first
// check from another.
func (a *Account) Verify(ctx context.Context, q payment.Query) payment.Answer {
	if !checkKey(q.ID) { // it goes into a path
		return wire.Unsent()
	}
	return checkAnswer(a.PostForm(ctx, a.API().URL("/invoice/check", q.ID), wire.Field{"api_key", a.Key().Reveal()}), q.ID)
}

// Create implements [payment.Creator] (invoice script, /invoice/request). The
// document's "send it urlencoded" about return_url is what a form does anyway.
func (a *Account) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := protocol.CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("invoice: %w: %w", payment.ErrRefused, err)
	}
	return a.started(a.PostForm(ctx, a.API().URL("/invoice/request"),
		wire.Field{"api_key", a.Key().Reveal()}, wire.Field{"amount", o.Amount.String()}, wire.Field{"return_url", o.Return}))
}

// started reads an answer to request.
func (a *Account) started(r wire.Reply) (payment.Started, error) {
	unread := fmt.Errorf("invoice: request: %w", r.Answer().Err)
	if !r.Spoke() {
		return payment.Started{}, unread
	}
	status, ok := r.Object.Int("status")
	if code, isCode := r.Object.Int("errorCode"); ok && status == statusError && isCode && !r.Object.Has("invoice_key") {
		return payment.Started{}, errorCodes.Refused("invoice", code)
	}
	key := r.Object.Text("invoice_key")
	if !ok || status != statusOK || r.Status/100 != http.StatusOK/100 || r.Object.Has("errorCode") || !checkKey(key) {
		return payment.Started{}, unread
	}
	return payment.Started{ID: key, PayURL: a.PageOf(key)}, nil
}
