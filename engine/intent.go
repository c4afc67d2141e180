package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/payment"
)

// ErrCannotCreate is returned where a provider has no documented way to start
// a payment.
var ErrCannotCreate = errors.New("this provider cannot start payments")

// ErrNotCreated says that the provider did not start a payment. Every other error of
// [Engine.Purchase] is our own, so that no store, however it words its trouble, is
// ever taken for a bank that says no.
var ErrNotCreated = errors.New("the provider did not start the payment")

// Purchase is what our own checkout sells.
type Purchase struct {
	Site, Route, Provider string
	// Client is what strangers are counted by: an IPv4 address or an IPv6 /64.
	Client string
	Order  string
	Amount payment.Rials
	// Item, Title and Quantity are what is sold; 0 is one. Amount is the price of all.
	Item, Title string
	Quantity    int
	// Buyer is what the buyer wrote.
	Buyer payment.Buyer
	// ReturnURL makes the absolute address that the customer comes back to from
	// the record's reference.
	ReturnURL func(ref payment.Ref) string
	// Return is the same address as the worker needs it, made from the URL.
	Return func(url string) payment.Return
	Track  *payment.Track
}

// Purchase starts a payment at the provider and records it as an intent before
// the browser learns where to pay. It returns where the browser goes. Anybody can
// press Pay: a client has its rate, and all together as many calls at a time as
// there are places for; beyond that the error is a *TooManyError.
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
	// The provider's id is not known yet and the return address must name the
	// payment, so a checkout's record is named by its order, which is ours and
	// never repeats.
	ref := payment.NewRef(p.Site, t.Issuer, "checkout", p.Order)
	url := p.ReturnURL(ref)
	pressed, leave, err := e.mayStart(ctx, p.Client, hostOf(t))
	if err != nil {
		if errors.Is(err, errCrowded) {
			e.started(p.Provider, p.Site, err, 0)
		}
		return payment.Started{}, nil, err
	}
	defer leave()
	callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), prov.Timeout)
	order := payment.Order{Number: p.Order, Amount: p.Amount, Return: url, Title: p.Title, Item: p.Item, Buyer: p.Buyer}
	if t.NumbersOrders {
		order.Serial = serial(e.now(), e.Rand())
	}
	asked := e.now()
	made, err := creator.Create(callCtx, order)
	cancel()
	e.started(p.Provider, p.Site, err, e.now().Sub(asked))
	if err != nil {
		return payment.Started{}, nil, fmt.Errorf("%w: %w", ErrNotCreated, err)
	}
	gen, err := e.generation(ctx)
	if err != nil {
		return payment.Started{}, nil, err
	}
	now := e.now()
	ret := p.Return(url)
	rec := &payment.Record{
		Ref: ref, Site: p.Site, Route: p.Route, Provider: p.Provider, Issuer: t.Issuer, Environment: t.Environment,
		ID: made.ID, Order: p.Order, Serial: order.Serial, State: payment.Created, Generation: gen.Seq,
		Expect:    payment.Expectation{Amount: p.Amount, Source: payment.FromIntent, Item: p.Item, Title: p.Title, Quantity: p.Quantity, Checkout: true},
		Buyer:     p.Buyer,
		Return:    &ret,
		CreatedAt: now, UpdatedAt: now,
	}
	// One that pressed often is looked after later than others.
	if err := e.intend(context.WithoutCancel(ctx), rec, prov, p.Track, time.Duration(max(0, pressed-patientPresses))*limit.Turn); err != nil {
		return payment.Started{}, nil, err
	}
	return made, rec, nil
}

// serials begin with this moment.
var serials = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// serial is an integer that no other payment has: milliseconds, and twelve random
// bits for those that begin in the same one. Two that are equal all the same are no
// harm: the gateway refuses the second, and the customer presses again.
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

// mayStart lets a client start a payment; leave must be called. pressed is how
// often it did so in the last minutes.
func (e *Engine) mayStart(ctx context.Context, client, host string) (pressed int, leave func(), err error) {
	wait, pressed := e.Shared.limits.Press(client, e.now())
	if client != "" && wait > 0 {
		return 0, nil, &TooManyError{RetryAfter: max(wait, time.Second)}
	}
	waitCtx, cancel := context.WithTimeout(ctx, createPatience)
	defer cancel()
	leave, ok := e.Shared.hosts.EnterCreate(waitCtx, host)
	if !ok {
		return 0, nil, &TooManyError{RetryAfter: createPatience, cause: errCrowded}
	}
	return pressed, leave, nil
}

// MayVisit reports whether another visit of a client may be kept in the store
// (`keep store`): strangers make it grow.
func (e *Engine) MayVisit(client string) bool { return e.Shared.limits.Visit(client, e.now()) }
