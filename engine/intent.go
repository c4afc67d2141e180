package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/payment"
)

// ErrCannotCreate is returned if a provider has no documented call to start a payment.
var ErrCannotCreate = errors.New("this provider cannot start payments")

// ErrNotCreated says that the provider did not start the payment. Every other error of
// [Engine.Purchase] is our own, so that no error of the store is taken for a refusal of
// the bank.
var ErrNotCreated = errors.New("the provider did not start the payment")

// Purchase is a sale of our own checkout.
type Purchase struct {
	// Ref names the record: see [payment.CheckoutRef].
	Ref                   payment.Ref
	Site, Route, Provider string
	// HostNamed: the request's Host has named Site, as on a wildcard site, and not the
	// configuration. Whoever presses Pay has chosen it then.
	HostNamed bool
	// Client is what strangers are counted by: an IPv4 address or an IPv6 /64.
	Client string
	Order  string
	Amount payment.Rials
	// Item, Title and Quantity are what is sold; 0 is one. Amount is the price of all.
	Item, Title string
	Quantity    int
	// Buyer is what the buyer wrote.
	Buyer payment.Buyer
	// ReturnURL is the absolute address that the customer comes back to. It carries Ref,
	// signed. Return is the same address as the worker needs it.
	ReturnURL string
	Return    payment.Return
	Track     *payment.Track
	// Turn, if set, waits until nobody with proof needs the processor. The payment is
	// started after it.
	Turn Turn
}

// Purchase starts a payment at the provider, and records it as an intent before the browser
// learns where to pay. It returns where the browser goes. Anybody can press Pay, so each
// client has a rate, the calls at one time are bounded, and each waits for its turn; beyond
// that the error is a *TooManyError.
func (e *Engine) Purchase(ctx context.Context, p Purchase) (payment.Started, *payment.Record, error) {
	prov, err := e.provider(p.Provider)
	if err != nil {
		return payment.Started{}, nil, err
	}
	creator, ok := prov.Provider.(payment.Creator)
	if !ok || !creator.CanCreate() {
		return payment.Started{}, nil, fmt.Errorf("%s: %w", p.Provider, ErrCannotCreate)
	}
	if err := e.Store.Ready(); err != nil {
		return payment.Started{}, nil, err
	}
	if !e.begin() {
		return payment.Started{}, nil, payment.ErrClosed
	}
	defer e.running.Done()
	t := prov.Terms()
	pressed, leave, err := e.mayStart(ctx, p, hostOf(t))
	if err != nil {
		if errors.Is(err, errCrowded) {
			e.started(p.Provider, p.Site, p.HostNamed, err, 0)
		}
		return payment.Started{}, nil, err
	}
	defer leave()
	callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), prov.Timeout)
	order := payment.Order{Number: p.Order, Amount: p.Amount, Return: p.ReturnURL, Title: p.Title, Item: p.Item, Buyer: p.Buyer}
	if t.NumbersOrders {
		order.Serial = serial(e.now(), e.Rand())
	}
	asked := e.now()
	callCtx, end := e.span(callCtx, SpanCreate, p.Ref)
	made, err := creator.Create(callCtx, order)
	end(&payment.Record{Ref: p.Ref, Provider: p.Provider, Route: p.Route}, createOutcome(err), err)
	cancel()
	e.started(p.Provider, p.Site, p.HostNamed, err, e.now().Sub(asked))
	if err != nil {
		return payment.Started{}, nil, fmt.Errorf("%w: %w", ErrNotCreated, err)
	}
	rec, err := e.newRecord(ctx, t, payment.Record{
		Ref: p.Ref, Site: p.Site, Route: p.Route, Provider: p.Provider, ID: made.ID, Order: p.Order, Serial: order.Serial,
		Expect: payment.Expectation{Amount: p.Amount, Source: payment.FromIntent, Item: p.Item, Title: p.Title, Quantity: p.Quantity, Checkout: true},
		Buyer:  p.Buyer,
		Return: &p.Return,
	})
	if err != nil {
		return payment.Started{}, nil, err
	}
	// One that pressed often is looked after later than others.
	if err := e.intend(context.WithoutCancel(ctx), rec, prov, p.Track, time.Duration(max(0, pressed-patientPresses))*limit.Turn); err != nil {
		return payment.Started{}, nil, err
	}
	return made, rec, nil
}

// serials begin with this moment.
var serials = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// serial returns an integer that no other payment has: milliseconds, and twelve random bits
// for payments that begin in the same millisecond. If two are equal all the same, the
// gateway refuses the second, and the customer presses Pay again.
func serial(now time.Time, random float64) int64 {
	return max(now.Sub(serials).Milliseconds(), 1)<<12 | int64(random*(1<<12))
}

const (
	// createPatience is how long a press of Pay waits for a place.
	createPatience = 3 * time.Second
	// patientPresses is how many unclaimed payments a client may have before its
	// next ones wait longer for their first question than others'.
	patientPresses = 3
)

// mayStart lets a client start a payment; the caller must call leave. pressed is how many
// the client has started in the last minutes.
//
// Invariant: a press of Pay costs as much as a customer's return, and proves nothing. So it
// waits for its turn while it has one of the places of creates: however many press, no more
// than these go on without a turn, and the others hear that there are too many.
func (e *Engine) mayStart(ctx context.Context, p Purchase, host string) (pressed int, leave func(), err error) {
	wait, pressed := e.Shared.limits.Press(p.Client, e.now())
	if p.Client != "" && wait > 0 {
		return 0, nil, &TooManyError{RetryAfter: max(wait, time.Second)}
	}
	waitCtx, cancel := context.WithTimeout(ctx, createPatience)
	defer cancel()
	leave, ok := e.Shared.hosts.EnterCreate(waitCtx, host)
	if !ok {
		return 0, nil, &TooManyError{RetryAfter: createPatience, cause: errCrowded}
	}
	p.Turn.take(ctx)()
	if ctx.Err() != nil {
		leave()
		return 0, nil, &TooManyError{RetryAfter: createPatience, cause: errCrowded} // nobody is there who would pay
	}
	return pressed, leave, nil
}

// MayVisit reports whether another visit of a client may be kept in the store
// (`keep store`). It bounds how fast strangers make the store grow.
func (e *Engine) MayVisit(client string) bool { return e.Shared.limits.Visit(client, e.now()) }
