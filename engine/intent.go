package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/rahgir/caddy-payments/payment"
)

// ErrCannotCreate is returned where a provider has no documented way to start
// a payment.
var ErrCannotCreate = errors.New("this provider cannot start payments")

// Purchase is what our own checkout sells.
type Purchase struct {
	Site, Route, Provider string
	Order                 string
	Amount                payment.Rials
	Item, Title           string
	// ReturnURL makes the absolute address that the customer comes back to from
	// the record's reference.
	ReturnURL func(ref payment.Ref) string
	// Return is the same address as the worker needs it, made from the URL.
	Return func(url string) payment.Return
	Track  *payment.Track
}

// Purchase starts a payment at the provider and records it as an intent before
// the browser learns where to pay. It returns the pay page's address.
func (e *Engine) Purchase(ctx context.Context, p Purchase) (string, *payment.Record, error) {
	prov, err := e.provider(p.Provider)
	if err != nil {
		return "", nil, err
	}
	creator, ok := prov.Provider.(payment.Creator)
	if !ok {
		return "", nil, fmt.Errorf("%s: %w", p.Provider, ErrCannotCreate)
	}
	if err := e.Store.Ready(); err != nil {
		return "", nil, err
	}
	if !e.begin() {
		return "", nil, payment.ErrClosed
	}
	defer e.running.Done()
	t := prov.Traits()
	// The provider's id is not known yet and the return address must name the
	// payment, so a checkout's record is named by its order, which is ours and
	// never repeats.
	ref := payment.NewRef(p.Site, t.Issuer, "checkout", p.Order)
	url := p.ReturnURL(ref)
	callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), prov.Timeout)
	made, err := creator.Create(callCtx, payment.Order{Number: p.Order, Amount: p.Amount, Return: url, Title: p.Title, Item: p.Item})
	cancel()
	if err != nil {
		if errors.Is(err, payment.ErrOperator) {
			e.observe(EventOperator, nil, err, true)
		}
		return "", nil, err
	}
	gen, err := e.generation(ctx)
	if err != nil {
		return "", nil, err
	}
	now := e.now()
	ret := p.Return(url)
	rec := &payment.Record{
		Ref: ref, Site: p.Site, Route: p.Route, Provider: p.Provider, Issuer: t.Issuer, Environment: t.Environment,
		ID: made.ID, Order: p.Order, State: payment.Created, Generation: gen.Seq,
		Expect:    payment.Expectation{Amount: p.Amount, Source: payment.FromIntent, Item: p.Item, Title: p.Title, Checkout: true},
		Return:    &ret,
		CreatedAt: now, UpdatedAt: now,
	}
	if err := e.intend(context.WithoutCancel(ctx), rec, prov, p.Track); err != nil {
		return "", nil, err
	}
	return made.PayURL, rec, nil
}
