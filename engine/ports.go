package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// Clock tells the time, so that tests and the simulator can replace it. Leases are compared
// with the store's clock; waits use the process's.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives once, after d.
	After(d time.Duration) <-chan time.Time
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return time.Now().UTC() }

// After implements Clock.
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// storeClock is the store's clock. If several nodes share a ledger, their own clocks don't
// agree on what is due.
type storeClock struct {
	SystemClock
	store payment.Store
}

// Now implements Clock.
func (c storeClock) Now() time.Time { return c.store.Now() }

// ahead returns how far the store's clock is before the machine's.
func (c storeClock) ahead() time.Duration { return time.Until(c.store.Now()) }

// Provider is a configured provider.
type Provider struct {
	payment.Provider
	// Timeout bounds one call; a claim's lease outlives it.
	Timeout time.Duration
	// Patience bounds one call of a shop's, through the relay, while the shop waits for it.
	// Less than Timeout counts as Timeout.
	Patience time.Duration
	// UsedIDs is `used_ids`: [payment.UsedIDsNone], [payment.UsedIDsImported] or "".
	UsedIDs string
}

// Terms returns everything that is known of the provider before it is asked.
func (p Provider) Terms() payment.Terms { return payment.TermsOf(p) }

// Policy is what a verify route says about delivery.
type Policy struct {
	// Once: the shop would credit a repeated delivery twice, so it is made once.
	Once bool
	// Park: a verified payment whose customer has gone is left for a person to decide.
	Park bool
	// Many: an order may be paid more than once.
	Many bool
	// Live: the route's provider is live, so no test payment is for it.
	Live bool
	// Moved: the payment's own provider has its route no more. Another account of the same
	// gateway takes what comes back to that path.
	Moved bool
	// Site is the present name of the payment's site; empty means as in the record.
	Site string
	// Formerly are the site's former names. Records under them belong to the site.
	Formerly []string
}

// Rules is what a site says about a payment: how it is delivered, and what it should have
// paid. For a return they are those of the route to which it came, for the worker those of
// the running configuration. The engine has no other source.
type Rules interface {
	// Policy returns the policy of a record's route, or false if no running site has it.
	Policy(r *payment.Record) (Policy, bool)
	// Expect finds out what a recorded return should have paid. It asks the shop if the
	// route says so.
	Expect(ctx context.Context, r *payment.Record) (payment.Expectation, error)
}

// Sites is the running configuration's sites, as the worker needs them.
type Sites interface {
	Rules
	// Deliver sends the record's return through the site's own route, in process, and
	// returns the result. It never panics.
	Deliver(ctx context.Context, r *payment.Record) Handed
}

// noSites is a configuration without any.
type noSites struct{}

func (noSites) Policy(*payment.Record) (Policy, bool)           { return Policy{}, false }
func (noSites) Deliver(context.Context, *payment.Record) Handed { return Handed{Unsent: true} }
func (noSites) Expect(context.Context, *payment.Record) (payment.Expectation, error) {
	return payment.Expectation{}, ErrUnanswered
}

// asked has the rules of the route to which a return came. If that route relies on intents
// alone, the price comes from the running configuration.
type asked struct {
	Ask
	running Rules
}

// Policy implements Rules.
func (a asked) Policy(*payment.Record) (Policy, bool) {
	p := a.Ask.Policy
	p.Formerly = append(slices.Clone(p.Formerly), a.Formerly...)
	return p, true
}

// Expect implements Rules.
func (a asked) Expect(ctx context.Context, r *payment.Record) (payment.Expectation, error) {
	if a.Ask.Expect == nil {
		return a.running.Expect(ctx, r)
	}
	return a.Ask.Expect(ctx, r.ID)
}

// Errors of finding out what is expected.
var (
	// ErrUnknownOrder: the shop says that it has no such order.
	ErrUnknownOrder = errors.New("the shop does not know this order")
	// ErrOrderPaid: the shop says that the order is paid already.
	ErrOrderPaid = errors.New("this order is paid already")
	// ErrPaidHere: the shop says that the order is paid by this payment.
	ErrPaidHere = fmt.Errorf("%w, says the shop, by this payment", ErrOrderPaid)
	// errOrderTaken: the ledger has another payment that paid the order.
	errOrderTaken = fmt.Errorf("%w, by another payment", ErrOrderPaid)
	// ErrUnanswered: the shop has not answered. Nothing is verified before it does.
	ErrUnanswered = errors.New("the shop has not answered yet")
	// ErrForeign: the id belongs to another order, site or route.
	ErrForeign = errors.New("this id belongs to another order, site or route")
	// errForgotten: we signed the reference, and its record is gone.
	errForgotten = fmt.Errorf("%w: our own reference names a payment that this ledger no longer has, because it was lost or restored since then; look for the id in the provider's panel", ErrForeign)
	// ErrUnannounced: no intent, signature or look-up explains the return.
	ErrUnannounced = errors.New("nothing announced this payment")
)

// TooManyError is returned by Purchase if a client presses Pay too often, or if too many
// payments are being started at the provider.
type TooManyError struct {
	// RetryAfter is how long to wait before the next one.
	RetryAfter time.Duration

	cause error
}

// errCrowded: too many payments are being started at one provider.
var errCrowded = errors.New("too many payments are being started at this provider")

// Unwrap returns nil if the client pressed too often, else an error that says that too many
// others do.
func (e *TooManyError) Unwrap() error { return e.cause }

// Error implements error.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many payments are being started: come again in %s", e.RetryAfter)
}

// Handed is the result of a delivery.
type Handed struct {
	// Acked: the shop proved that it credited the order.
	Acked bool
	// IfHeard: Acked holds only if the shop's own call, through the relay, heard that it is
	// paid.
	IfHeard bool
	// Refused: the shop said that it does not accept the payment.
	Refused bool
	// Unsent: certainly nothing reached the shop.
	Unsent bool
	// Gated: a `require` that this payment does not open keeps it from the shop. Only a
	// person can change that.
	Gated bool
	// NoPage: it counts as acknowledged because the site has no page that could credit it.
	// The customer has not been answered.
	NoPage bool
	// Status and Location are the shop's answer, 0 without one.
	Status   int
	Location string
}

// Event is something that happened, for logs, metrics and the events app.
type Event struct {
	// Name is one of the Event… constants.
	Name string
	// Record is the payment, if there is one; don't change it.
	Record *payment.Record
	// Provider, Site, ID and Order name what an event without a record is about, as far as
	// that is known. ID and Order are customers' data. Reason says why.
	Provider, Site, ID, Order string
	Reason                    payment.Reason
	// Alert says that the owner must hear of it.
	Alert bool
	// Err is without secrets.
	Err error
	// Took is how long a call to a provider or the receiver of a report took.
	Took time.Duration
	// Operation is the purpose of a call, and Outcome its result or that of a report, in
	// one word each.
	Operation, Outcome string
	// To is the receiver of a report, and Code its answer.
	To, Code string
	// TraceID is that of the last span about the payment, where anything is traced.
	TraceID string
}

// Outcomes of a report.
const (
	OutcomeDone     = "done"
	OutcomeRejected = "rejected"
	OutcomeRetried  = "retried"
	OutcomeParked   = "parked"
)

// The events.
const (
	EventCreated     = "payment_created"
	EventAsked       = "payment_asked"
	EventVerified    = "payment_verified"
	EventDeclined    = "payment_declined"
	EventUnknown     = "payment_unknown"
	EventReview      = "payment_review"
	EventExpired     = "payment_expired"
	EventDelivering  = "payment_delivering"
	EventDelivered   = "payment_delivered"
	EventParked      = "payment_parked"
	EventMissed      = "payment_delivery_missed"
	EventOperator    = "provider_needs_owner"
	EventBreaker     = "provider_breaker"
	EventMalformed   = "return_malformed"
	EventForeign     = "return_foreign"
	EventConverted   = "conversion_reported"
	EventUnconverted = "conversion_failed"
	EventTold        = "webhook_sent"
	EventUntold      = "webhook_failed"
	EventIgnored     = "track_ignored"
	EventPaused      = "affiliate_paused"
	EventStore       = "store_trouble"
	EventDecided     = "payment_decided"
	EventUnrouted    = "return_unrouted" // it looks like a provider's return, and no route takes it
	EventRepeated    = "reference_repeated"
	EventPanicked    = "payment_panicked"
	// EventAccount: the ledger meets an account for the first time, and can't know
	// its used receipts.
	EventAccount = "account_new"
	// EventForgotten: a return carries our reference, and the ledger was lost or restored
	// since then.
	EventForgotten = "return_forgotten"
	// EventUnannounced: a return claims paid, and nothing announced the payment.
	EventUnannounced = "return_unannounced"
	// EventUnusable: the shop's announcement can't be used.
	EventUnusable = "announcement_unusable"
	// EventUnknownOrder: the shop says of a return that claims paid that it has no
	// such order.
	EventUnknownOrder = "return_unknown_order"
	// EventPaidBefore: an order that is paid is announced again, or a return claims to have
	// paid it.
	EventPaidBefore = "order_paid_before"
	// EventNoPage: one of our checkouts has no page where its customers come back to.
	EventNoPage = "checkout_without_page"
	// EventCatalogue: a checkout's catalogue was changed and can't be read.
	EventCatalogue = "catalogue_broken"
	// EventNoAccount: no provider block has the account with which the payment began.
	EventNoAccount = "payment_without_account"
	// EventUnclaimed: it is paid, nobody came back, and nobody asks by itself.
	EventUnclaimed = "payment_unclaimed"
	// EventSlow: a delivery takes unusually long.
	EventSlow = "shop_slow"
)

// Observer gets all events, synchronously and concurrently. It must not block.
type Observer interface{ Observe(Event) }

// Config is the input of [New].
type Config struct {
	Store      payment.Store
	Providers  map[string]Provider
	Affiliates map[string]payment.Reporter
	// Webhooks are the receivers of messages about all payments, by name.
	Webhooks map[string]payment.Subscriber
	Sites    Sites
	Observer Observer
	// Clock defaults to the store's, which all nodes share.
	Clock Clock
	// Shared outlives a configuration; there is one per store and process. Default: a new
	// one.
	Shared *Shared
	// Seal encrypts providers' answers that a shop hasn't heard yet. Without it they are
	// not kept, and are made from the receipt.
	Seal Sealer
	// Forwarded has what passed while nothing could be recorded. nil keeps nothing.
	Forwarded *forwarded.Log
	// Forwards tells whether calls may pass then. nil says that none do.
	Forwards func() bool
	// Rand returns a number in [0,1) for jitter. Default: math/rand.
	Rand func() float64
	// Tick is how often the worker looks for due records. Default: 1s.
	Tick time.Duration
}

func (c *Config) fill() {
	if c.Clock == nil {
		c.Clock = storeClock{store: c.Store}
	}
	if c.Shared == nil {
		c.Shared = NewShared()
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.Sites == nil {
		c.Sites = noSites{}
	}
	if c.Tick <= 0 {
		c.Tick = time.Second
	}
	if c.Observer == nil {
		c.Observer = noObserver{}
	}
	c.Observer = tracedObserver{c.Observer, &c.Shared.traces}
}

type noObserver struct{}

func (noObserver) Observe(Event) {}

// Interface guards.
var (
	_ Clock    = SystemClock{}
	_ Clock    = storeClock{}
	_ Observer = noObserver{}
	_ Sites    = noSites{}
	_ Rules    = asked{}
)
