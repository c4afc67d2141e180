package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Announcement is what a shop says about a payment to which it sends its customer.
type Announcement struct {
	Site, Route, Provider string
	// Formerly are the site's former names.
	Formerly  []string
	ID, Order string
	Amount    payment.Rials
	// Return is the address to which the customer comes back, if the shop said it.
	Return *payment.Return
	Track  *payment.Track
	// Many: the site's orders may be paid more than once.
	Many bool
	// Observed: the shop verifies by itself, so that nothing is ever settled here.
	Observed bool
}

// Announce records a shop's announcement as an intent. The same announcement may come
// again; for one that contradicts the first it returns ErrForeign. An announcement for an
// order that is paid already is recorded too, because the shop decides how often an order
// may be paid; the owner is told, and the record says so.
func (e *Engine) Announce(ctx context.Context, a Announcement) (*payment.Record, error) {
	prov, err := e.provider(a.Provider)
	if err != nil {
		return nil, err
	}
	if err := e.Store.Ready(); err != nil {
		return nil, err
	}
	t := prov.Terms()
	before, err := e.announcedBefore(ctx, prov, a.ID)
	if err != nil {
		return nil, err
	}
	if before != nil {
		return e.announcedAgain(ctx, prov, a, before)
	}
	rec, err := e.newRecord(ctx, t, payment.Record{
		Ref:  payment.NewRef(a.Site, t.Issuer, a.ID, a.Order),
		Site: a.Site, Route: a.Route, Provider: a.Provider, ID: a.ID, Order: a.Order,
		Expect: payment.Expectation{Amount: a.Amount, Source: payment.FromIntent},
		Return: a.Return,
	})
	if err != nil {
		return nil, err
	}
	if a.Observed {
		rec.Observed = new(payment.Observed)
	} else if rec.Return == nil {
		rec.Reason = payment.ReasonNoReturn
	}
	paid := false
	if !a.Many && !a.Observed {
		if paid, err = e.orderTaken(ctx, rec, a.Formerly); err != nil {
			return nil, err
		}
	}
	if paid {
		rec.Reason = payment.ReasonPaidBefore
	}
	err = e.intend(ctx, rec, prov, a.Track, 0)
	if errors.Is(err, ErrForeign) {
		return nil, e.contradicted(ctx, a)
	}
	if err != nil {
		return nil, err
	}
	if paid {
		e.observe(EventPaidBefore, rec, errPaidBefore, true)
	}
	return rec, nil
}

// announcedAgain compares an announcement with what is known of its id. A relayed payment
// whose create named no order takes the first that is announced for it; from then on that is
// compared like any other.
func (e *Engine) announcedAgain(ctx context.Context, prov Provider, a Announcement, rec *payment.Record) (*payment.Record, error) {
	for range claimTries {
		if !slices.Contains(names(a.Site, a.Formerly), rec.Site) || rec.OrderKnown() && rec.Order != a.Order || rec.Price() != a.Amount {
			return nil, e.contradicted(ctx, a)
		}
		if rec.OrderKnown() || rec.ID == a.Order {
			return rec, nil
		}
		bound, err := e.nameOrder(ctx, prov, a, rec.Clone())
		var taken *payment.TakenError
		switch {
		case err == nil:
			return bound, nil
		case errors.As(err, &taken):
			return nil, e.contradicted(ctx, a) // it is settled, and another payment has paid that order
		case !errors.Is(err, payment.ErrConflict):
			return nil, err
		}
		if rec, err = e.Store.Get(ctx, rec.Ref); err != nil {
			return nil, err
		}
	}
	return nil, payment.ErrConflict
}

// nameOrder gives a relayed payment its announced order.
//
// Invariant: a settled payment takes the order's key with the order. One that is being asked
// about gets no order, because its answer is compared with what was known before.
func (e *Engine) nameOrder(ctx context.Context, prov Provider, a Announcement, rec *payment.Record) (*payment.Record, error) {
	if asking := rec.State == payment.Verifying; asking && e.Store.Alive(rec.Lease) {
		return nil, errAskedMeanwhile
	}
	if !rec.NameOrder(a.Order, false) {
		return nil, fmt.Errorf("%w: the order can't be named", payment.ErrTransition)
	}
	if a.Track != nil && rec.Track.ID == "" && !settled(rec) {
		if _, ok := e.Affiliates[a.Track.Affiliate]; ok {
			rec.Track = *a.Track
		}
	}
	var take []payment.Key
	paid := false
	if many := a.Many || a.Observed; !many {
		var err error
		switch {
		case rec.State.Captured():
			take, err = e.keys(ctx, rec, prov, Policy{Site: a.Site, Formerly: a.Formerly}, a.Site)
		default:
			paid, err = e.orderTaken(ctx, rec, a.Formerly)
		}
		if err != nil {
			return nil, err
		}
	}
	rec.UpdatedAt = e.now()
	if err := e.commit(ctx, rec, false, take...); err != nil {
		return nil, err
	}
	if paid {
		e.observe(EventPaidBefore, rec, errPaidBefore, paid)
	}
	return rec, nil
}

var errAskedMeanwhile = errors.New("the gateway is being asked about this payment just now: announce its order before its customer is sent to pay")

var errPaidBefore = errors.New("the shop announces a payment for an order that is paid already: does it use order numbers again?")

// contradicted reports an announcement whose id belongs to another payment.
func (e *Engine) contradicted(ctx context.Context, a Announcement) error {
	e.Refused(ctx, Refusal{Site: a.Site, Provider: a.Provider, ID: a.ID, Order: a.Order, Amount: a.Amount, Reason: payment.ReasonForeign, Err: ErrForeign})
	return ErrForeign
}

// announcedBefore returns the intent of an id under any name of its account, nil if there is
// none.
func (e *Engine) announcedBefore(ctx context.Context, prov Provider, id string) (*payment.Record, error) {
	for _, issuer := range append([]string{prov.Terms().Issuer}, e.account(ctx, prov).former...) {
		holder, err := e.Store.Holder(ctx, payment.IntentKey(issuer, id))
		if errors.Is(err, payment.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return e.Store.Get(ctx, holder)
	}
	return nil, nil
}

// intend records an intent, with the key that leads from the provider's id to it. It is
// durable, because rule 4 depends on it.
func (e *Engine) intend(ctx context.Context, rec *payment.Record, prov Provider, track *payment.Track, wait time.Duration) error {
	held, err := payment.Holders(ctx, e.Store, e.receipts(ctx, rec, prov)...)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(held, func(h payment.Held) bool { return h.Found }) {
		return ErrForeign // used up: a customer who paid it now could not be credited
	}
	if track != nil {
		if _, ok := e.Affiliates[track.Affiliate]; ok {
			rec.Track = *track
		}
	}
	if rec.Due = e.firstLook(rec, prov); !rec.Due.IsZero() {
		rec.Due = rec.Due.Add(wait)
	}
	if err := e.commit(ctx, rec, false, payment.IntentKey(rec.Issuer, rec.ID)); err != nil {
		return fmt.Errorf("recording the payment: %w", err)
	}
	e.Shared.intended(rec.Issuer, e.now())
	e.observe(EventCreated, rec, nil, false)
	return nil
}

// Intent is a payment that a program of the shop has started, and that it announces without
// a visitor's request.
type Intent struct {
	// Site is the shop, as records name it; it may be empty if only one has this provider.
	Site string
	// Provider is the provider's name; it may be empty if the site has only one.
	Provider  string
	ID, Order string
	Amount    payment.Rials
	// Return is where the customer comes back: an address or a path of the site; empty if
	// that is not known.
	Return string
}

// Announcer is a [Sites] that checks an intent like the headers of a shop's answer.
type Announcer interface {
	// Announcement returns what an intent announces. Its error says what to write instead.
	Announcement(ctx context.Context, in Intent) (Announcement, error)
}

// ErrNoSites says that no site of the running configuration takes payments.
var ErrNoSites = errors.New("no site of this configuration takes payments")

// intendTime bounds how long a program waits until its intent is durable.
const intendTime = 2 * time.Second

// Intend records a program's intent. When both errors are nil the intent is durable, and
// only then may a customer be sent to pay. wrong says that the intent can't be used,
// whatever the ledger holds. err is the ledger's error, or ErrForeign.
func (e *Engine) Intend(ctx context.Context, in Intent) (rec *payment.Record, wrong, err error) {
	// A caller that has gone is no reason to forget what the bank knows.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), intendTime)
	defer cancel()
	sites, ok := e.Sites.(Announcer)
	if !ok {
		return nil, ErrNoSites, nil
	}
	a, wrong := sites.Announcement(ctx, in)
	if wrong != nil {
		return nil, wrong, nil
	}
	rec, err = e.Announce(ctx, a)
	return rec, nil, err
}
