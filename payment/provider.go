package payment

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// Provider is a payment gateway. Implementations are safe for concurrent use,
// never log or return secrets, never retry on their own, and turn whatever
// arrives on the wire into one of the [Outcome] values: an error of theirs is
// [OutcomeUnknown], never a "no".
//
// What only some gateways can do are the small interfaces below. The rest of the
// program asks for them with a type assertion and knows no gateway by name.
type Provider interface {
	// Protocol says what the gateway's document promises. It works on a value that
	// was neither configured nor provisioned, so that a configuration can be checked
	// when it is adapted; it may depend on exported options, and is constant for the
	// life of a provisioned value. Callers don't change what it returns.
	Protocol() Protocol
	// Traits says what the configuration adds. It is constant for the life of the
	// value, and called after it was provisioned only.
	Traits() Traits
	// ReadReturn reads the provider's parameters of the customer's return. It
	// is pure. get returns the single value of a parameter, "" where absent.
	// Malformed parameters give an error that wraps ErrMalformed and names the
	// parameter, never its value.
	ReadReturn(get func(name string) string) (Claimed, error)
	// PayPage returns the provider's id if u is an address of this provider's
	// pay page. It is false where the id stands in no address.
	PayPage(u *url.URL) (id string, ok bool)
	// Verify settles a payment. The caller has made its claim durable before. Where
	// the gateway wants two calls, Verify makes both, and says that a payment is paid
	// only after both: asked again, it makes both again.
	Verify(ctx context.Context, q Query) Answer
	// ReturnParams gives the values that the provider's parameters must have in
	// the request that reaches the shop: what the receipt speaks of. An empty
	// value removes the parameter (the hashed card). Parameters that are not
	// named keep what the browser sent.
	ReturnParams(r *Record) map[string]string
}

// Creator is a provider that can start a payment by a documented call.
type Creator interface {
	// CanCreate reports whether this configuration allows it.
	CanCreate() bool
	// Create starts a payment. It is never retried: no provider documents an
	// idempotency key.
	Create(ctx context.Context, o Order) (Started, error)
}

// Inquirer is a provider that can be asked about a payment without settling
// it.
type Inquirer interface {
	// Inquire asks. It answers OutcomeAwaiting for paid and not yet verified,
	// OutcomeAgain for verified earlier, OutcomeRefused or OutcomeClosed for a
	// definite "no", OutcomeOpen for not paid yet.
	Inquire(ctx context.Context, q Query) Answer
}

// Lister is a provider that lists what is paid at it and was not verified. The
// worker settles those that this ledger knows, within the window, where the
// customer has not come back.
type Lister interface {
	// Unverified lists them. The list may be cut short and may have payments of
	// others that share the account. Like every call it is made once.
	Unverified(ctx context.Context) ([]Pending, error)
}

// DefaultTimeout bounds one call to a provider that names no time-out of its own.
const DefaultTimeout = 8 * time.Second

// Patience is how long a provider that doesn't answer is asked again, and a shop that
// doesn't acknowledge is told again; then a person decides.
const Patience = 3 * 24 * time.Hour

// Timed is a provider that bounds its calls itself. Others get 8 seconds.
type Timed interface {
	// CallTimeout is how long one Verify, Create, Inquire or Unverified may take.
	CallTimeout() time.Duration
}

// UsedIDs is a provider with the `used_ids` option, for gateways that answer a
// repeated verify like the first.
type UsedIDs interface {
	// UsedIDs is [UsedIDsNone], [UsedIDsImported] or "" where the configuration does
	// not say.
	UsedIDs() string
}

// Relocated is a provider or an affiliate that can be called at another address
// than the documented one.
type Relocated interface {
	// Elsewhere is that address, for people; "" where the documented one is called.
	Elsewhere() string
}

// ErrMalformed is wrapped by errors about returns that cannot be genuine. The
// text names the parameter.
var ErrMalformed = errors.New("malformed return")

// ErrRefused is wrapped by errors of Create that say the provider answered and
// refused; ErrOperator additionally where the owner can mend it (wrong key,
// unregistered address). Anything else may have created a payment that we do
// not know.
var (
	ErrRefused  = errors.New("the provider refused")
	ErrOperator = errors.New("the provider's settings need the owner")
)

// Hint is what a return says of itself. It is the browser's word: it decides
// only whether the provider is asked.
type Hint int

// The hints.
const (
	// HintNone: the document does not say how a return tells paid from not.
	HintNone Hint = iota
	// HintPaid: the return claims that it was paid.
	HintPaid
	// HintUnpaid: the return claims that it was not paid, in a documented way.
	HintUnpaid
)

// Claimed is what a return claims.
type Claimed struct {
	// ID is the provider's id; empty where the return does not carry one.
	ID string
	// Order is the shop's order, where the provider's return carries it.
	Order string
	Hint  Hint
	// Proof is what verify must be told of this return and nothing else brings, such
	// as the bank's receipt number: see [Protocol.ProvesInReturn]. It is kept with the
	// payment, at most [MaxProof] bytes. It is the browser's word: what verify
	// answers must be made sure of all the same, and a proof that can be used twice
	// belongs into [Receipt.Number], which is unique.
	Proof string
	// Cancelled: the return says that the customer left the pay page by choice. It goes
	// with HintUnpaid, and only words of a page depend on it.
	Cancelled bool
}

// MaxProof is the longest [Claimed.Proof], in bytes.
const MaxProof = 256

// Query is what verify and inquiry are asked with. It is made from the record;
// only Proof comes from the browser.
type Query struct {
	ID     string
	Order  string
	Amount Rials
	// Proof is the [Claimed.Proof] of the return that is asked about.
	Proof string
	// Serial is the [Order.Serial] that the payment was created with; 0 where the
	// shop created it.
	Serial int64
	// Unit is the unit in which the shop told the provider the amount when it
	// created the payment, where that passed through the relay; 0 is the
	// configuration's.
	Unit Unit
}

// Order is what Create is asked with.
type Order struct {
	Number string
	Amount Rials
	// Return is where the customer comes back to, absolute.
	Return string
	Title  string
	Item   string
	// Buyer is what the buyer wrote, to be sent on where the gateway's document takes
	// it. It never makes a create fail here: every field is optional.
	Buyer Buyer
	// Serial is an integer that no other payment has, greater than zero and less than
	// 2^53; 0 unless [Protocol.NumbersOrders].
	Serial int64
}

// Started is a payment that the provider has made.
type Started struct {
	ID string
	// PayURL is where the browser goes next, absolute.
	PayURL string
	// Form are the fields of a form that the browser must post to PayURL. Where it is
	// nil the browser is redirected.
	Form map[string]string
}

// Pending is a payment in a list of [Lister].
type Pending struct {
	ID string
	// Amount in rials; zero where the list does not say.
	Amount Rials
	// Callback is the address that its customer comes back to, absolute; empty where
	// the list does not say.
	Callback string
}

// Outcome is what an answer of a provider means.
type Outcome int

// The outcomes.
const (
	// OutcomeUnknown: time-out, reset, 5xx, HTML, half a JSON, a success in a
	// form that we do not know.
	OutcomeUnknown Outcome = iota
	// OutcomePaid: verified by this very call.
	OutcomePaid
	// OutcomeAgain: was verified before.
	OutcomeAgain
	// OutcomeRefused: not paid, cancelled, or unknown to the provider.
	OutcomeRefused
	// OutcomeClosed: paid, but the window is over; the money goes back.
	OutcomeClosed
	// OutcomeAwaiting: paid and waiting to be verified (inquiry).
	OutcomeAwaiting
	// OutcomeOpen: not paid yet (inquiry).
	OutcomeOpen
	// OutcomeOperator: wrong key, unregistered address …: the owner's to mend.
	OutcomeOperator
	// OutcomeBusy: asked to come later (429, "still settling").
	OutcomeBusy
	// OutcomeDoubt: an answer that a person must look at, with Reason set.
	OutcomeDoubt
)

// Answer is a provider's answer, read.
type Answer struct {
	Outcome Outcome
	// Reason refines Outcome where the provider's code does.
	Reason Reason
	// Code is the provider's code in ASCII, for people: at most 32 bytes of
	// letters, digits, '-', '_', '.' and '/'.
	Code string
	// Receipt is set with OutcomePaid, OutcomeAgain and, as far as known, with
	// OutcomeAwaiting and OutcomeDoubt.
	Receipt *Receipt
	// Unsent is true where it is certain that no byte of the request reached
	// the provider.
	Unsent bool
	// RetryAfter is what the provider asked for; zero where it did not.
	RetryAfter time.Duration
	// Offset is the provider's clock less ours, from its Date header; HasOffset
	// tells whether there was one.
	Offset    time.Duration
	HasOffset bool
	// Err says what went wrong, for the log. It carries no secret and no text
	// of the provider's.
	Err error
}
