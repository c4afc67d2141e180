package handlers

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lookup"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

func zapRoute(v *Verify) zap.Field { return zap.String("route", v.route.name) }

// expectation returns a function that finds out order and price of an id on this route; nil if
// only intents count.
func (v *Verify) expectation(h *Handler, order string, signed *payment.Signed, late bool) func(context.Context, string) (payment.Expectation, error) {
	if signed != nil {
		x := payment.Expectation{Amount: signed.Amount, Source: payment.FromSigned, Late: late}
		return func(context.Context, string) (payment.Expectation, error) { return x, nil }
	}
	switch v.route.expect {
	case expectNone:
		return func(context.Context, string) (payment.Expectation, error) {
			return payment.Expectation{Source: payment.FromNone}, nil
		}
	case expectLookup:
		return func(ctx context.Context, id string) (payment.Expectation, error) { return v.lookup(ctx, h, id, order) }
	}
	return nil
}

// lookup asks the shop.
func (v *Verify) lookup(ctx context.Context, h *Handler, id, order string) (payment.Expectation, error) {
	keys, err := h.allKeys(ctx)
	if err != nil {
		return payment.Expectation{}, engine.ErrUnanswered
	}
	a, err := v.route.lookup.Ask(ctx, order, string(keys.All(payment.PurposeLookup)[0]))
	switch {
	case errors.Is(err, lookup.ErrUnknown):
		return payment.Expectation{}, engine.ErrUnknownOrder
	case err != nil:
		h.log.Warn("the shop did not say what an order costs", zapRoute(v), zap.String("order", order), zap.Error(err))
		return payment.Expectation{}, fmt.Errorf("%w: %w", engine.ErrUnanswered, err)
	case a.Paid != nil && *a.Paid && a.ID != "" && a.ID == id:
		return payment.Expectation{}, engine.ErrPaidHere
	case a.Paid != nil && *a.Paid:
		return payment.Expectation{}, engine.ErrOrderPaid
	case a.ID != "" && a.ID != id:
		return payment.Expectation{}, engine.ErrForeign
	}
	return payment.Expectation{
		Amount: a.Amount, Source: payment.FromLookup,
		Unconsumed: a.ID != "" && a.Paid != nil,
	}, nil
}

// allKeys returns the site's own keys or the app's; behind both is the ledger's own, which
// signed for this site as long as no other was written.
func (h *Handler) allKeys(ctx context.Context) (*token.Keys, error) {
	if h.keys != nil {
		return h.app.Trusting(ctx, h.keys)
	}
	return h.app.Keys(ctx)
}

// ready returns what a request about a payment needs.
func (h *Handler) ready(ctx context.Context) (*engine.Engine, *token.Keys, error) {
	eng, err := h.app.Engine(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys, err := h.allKeys(ctx)
	return eng, keys, err
}
