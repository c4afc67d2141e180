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

// Announcement is what a shop says of the payment that it sends its customer
// to.
type Announcement struct {
	Site, Route, Provider string
	ID, Order             string
	Amount                payment.Rials
	// Return is where the customer comes back to, if the shop said so.
	Return *payment.Return
	Track  *payment.Track
}

// Announce records a shop's announcement as an intent. The same announcement
// may come again; one that contradicts the first is ErrForeign.
func (e *Engine) Announce(ctx context.Context, a Announcement) (*payment.Record, error) {
	prov, err := e.provider(a.Provider)
	if err != nil {
		return nil, err
	}
	if err := e.Store.Ready(); err != nil {
		return nil, err
	}
	t := prov.Traits()
	if holder, err := e.Store.Holder(ctx, payment.IntentKey(t.Issuer, a.ID)); err == nil {
		rec, err := e.Store.Get(ctx, holder)
		if err == nil && (rec.Site != a.Site || rec.Order != a.Order || rec.Expect.Amount != a.Amount) {
			return nil, ErrForeign
		}
		return rec, err
	}
	gen, err := e.generation(ctx)
	if err != nil {
		return nil, err
	}
	now := e.now()
	rec := &payment.Record{
		Ref:  payment.NewRef(a.Site, t.Issuer, a.ID, a.Order),
		Site: a.Site, Route: a.Route, Provider: a.Provider, Issuer: t.Issuer, Environment: t.Environment,
		ID: a.ID, Order: a.Order, State: payment.Created, Generation: gen.Seq,
		Expect:    payment.Expectation{Amount: a.Amount, Source: payment.FromIntent},
		Return:    a.Return,
		CreatedAt: now, UpdatedAt: now,
	}
	if err := e.intend(ctx, rec, prov, a.Track); err != nil {
		return nil, err
	}
	return rec, nil
}

// intend writes an intent with the key that leads from the provider's id to
// it. It is durable: rule 4 rests on it.
func (e *Engine) intend(ctx context.Context, rec *payment.Record, prov Provider, track *payment.Track) error {
	if _, err := e.Store.Holder(ctx, payment.ReceiptKey(rec.Issuer, rec.ID)); err == nil {
		return ErrForeign // used up: whoever paid it now could not be credited
	} else if !errors.Is(err, payment.ErrNotFound) {
		return err
	}
	if track != nil {
		if _, ok := e.Affiliates[track.Affiliate]; ok {
			rec.Conversion = &payment.Conversion{Track: *track}
		}
	}
	if rec.Return != nil {
		_, can := prov.Provider.(payment.Inquirer)
		rec.Due = nextUnasked(rec, can, e.now())
	}
	if err := e.commit(ctx, rec, false, payment.IntentKey(rec.Issuer, rec.ID)); err != nil {
		return fmt.Errorf("recording the payment: %w", err)
	}
	e.observe(EventCreated, rec, nil, false)
	return nil
}
