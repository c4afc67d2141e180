package payment

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// Provider is a payment gateway. Implementations are safe for concurrent use, never log or
// return secrets, never retry on their own, and turn whatever arrives into one of the
// [Outcome] values. An error is [OutcomeUnknown], never a "no".
//
// The small interfaces below are for what only some gateways can do. The rest of the
// program finds them with a type assertion and knows no gateway by name.
type Provider interface {
	// Protocol says what the gateway's document promises. It works on a value that was
	// neither configured nor provisioned, so that a Caddyfile can be checked when it is
	// adapted. It may depend on exported options, and is constant for the life of a
	// provisioned value. Callers don't change what it returns.
	Protocol() Protocol
	// Traits says what the configuration adds. It is called only after the value was
	// provisioned, and is constant for its life.
	Traits() Traits
	// ReadReturn reads the provider's parameters of the customer's return. It is pure.
	// get returns the single value of a parameter, or "" if it is absent. For malformed
	// parameters the error wraps ErrMalformed and names the parameter, never its value.
	ReadReturn(get func(name string) string) (Claimed, error)
	// PayPage returns the provider's id if u is the address of this provider's pay page.
	// ok is false for all addresses if the provider's addresses contain no id.
	PayPage(u *url.URL) (id string, ok bool)
	// Verify settles a payment. The caller has made its claim durable before. If the
	// gateway needs two calls, Verify makes both and says "paid" only after both; called
	// again, it makes both again.
	Verify(ctx context.Context, q Query) Answer
	// ReturnParams returns the values that the provider's parameters must have in the
	// request that reaches the shop: those of the receipt. An empty value removes the
	// parameter (the hashed card). Parameters that it does not name keep what the browser
	// sent.
	ReturnParams(r *Record) map[string]string
}

// Creator is a provider that can start a payment by a documented call.
type Creator interface {
	// CanCreate reports whether this configuration allows it.
	CanCreate() bool
	// Create starts a payment. It is never retried, because no provider documents an
	// idempotency key.
	Create(ctx context.Context, o Order) (Started, error)
}

// Inquirer is a provider that can be asked about a payment without settling it.
type Inquirer interface {
	// Inquire asks. The outcome is OutcomeAwaiting for "paid and not verified yet",
	// OutcomeAgain for "verified earlier", OutcomeRefused or OutcomeClosed for a definite
	// "no", and OutcomeOpen for "not paid yet".
	Inquire(ctx context.Context, q Query) Answer
}

// Detailer is a provider whose "already verified" may lack what only another call tells, such as
// the amount, where that call says less to whoever asks without having heard "already verified".
type Detailer interface {
	// Details completes an OutcomeAgain, exactly as Verify completes its own. It settles nothing.
	Details(ctx context.Context, q Query, again Answer) Answer
}

// Lister is a provider that lists payments that were paid and not verified. The worker
// settles those that this ledger knows, within the window, if the customer has not come
// back.
type Lister interface {
	// Unverified returns the list. It may be incomplete, and may contain payments of
	// others that share the account. Like every call it is made once.
	Unverified(ctx context.Context) ([]Pending, error)
}

// Titled is a provider that buyers know by a name: it stands beside the buttons of a
// checkout that offers several. Others are called as the configuration calls them.
type Titled interface {
	// Title is that name in both languages.
	Title() (english, persian string)
}

// Offer is how a gateway is offered to an owner who has not chosen one.
type Offer struct {
	// First: most shops have it.
	First bool
	// ClosedEnglish and ClosedPersian say what is reported, if it is that the gateway is
	// closed. It is offered last, and whoever chooses it is told.
	ClosedEnglish, ClosedPersian string
	// PluginReturn is where its own WooCommerce plugin has customers come back: a path with
	// its query. Empty means the usual one.
	PluginReturn string
}

// Offered is a provider of which an owner who begins should know something.
type Offered interface {
	Offer() Offer
}

// DefaultTimeout bounds one call to a provider that names no time-out of its own.
const DefaultTimeout = 8 * time.Second

// Patience is how long the worker keeps asking a provider that doesn't answer, and telling
// a shop that doesn't acknowledge. After that a person decides.
const Patience = 3 * 24 * time.Hour

// Timed is a provider that has its own time-out. Others get [DefaultTimeout].
type Timed interface {
	// CallTimeout is how long one Verify, Create, Inquire or Unverified may take.
	CallTimeout() time.Duration
}

// RelayPatience is how long a relayed call may take: as long as we let a shop wait, because
// without us it would wait for the gateway as long as it likes.
const RelayPatience = 25 * time.Second

// Patient is a provider that has a time-out of its own for the calls of shops.
type Patient interface {
	// RelayTimeout is how long one ForwardCall may take.
	RelayTimeout() time.Duration
}

// UsedIDs is a provider with the `used_ids` option, for gateways that answer a
// repeated verify like the first.
type UsedIDs interface {
	// UsedIDs returns [UsedIDsNone], [UsedIDsImported], or "" if the configuration does
	// not say.
	UsedIDs() string
}

// Referred is a provider whose pay page lets no browser in that doesn't say from which site it
// comes.
type Referred interface {
	// AsksReferrer marks it.
	AsksReferrer()
}

// Relocated is a provider or an affiliate that can be called at another address
// than the documented one.
type Relocated interface {
	// Elsewhere returns that address, for people, or "" if the documented one is called.
	Elsewhere() string
}

// ErrMalformed is wrapped by errors about returns that can't be genuine. The text names
// the parameter.
var ErrMalformed = errors.New("malformed return")

// ErrRefused is wrapped by an error of Create if the provider answered and refused.
// ErrOperator is wrapped as well if the owner can fix it (wrong key, unregistered
// address). After any other error the provider may have created a payment that we don't
// know.
var (
	ErrRefused  = errors.New("the provider refused")
	ErrOperator = errors.New("the provider's settings need the owner")
)

// Hint is what a return says of itself. It comes from the browser, so it decides only
// whether the provider is asked.
type Hint int

// The hints.
const (
	// HintNone: the document does not say how a return tells "paid" from "not paid".
	HintNone Hint = iota
	// HintPaid: the return claims that it was paid.
	HintPaid
	// HintUnpaid: the return says in a documented way that it was not paid.
	HintUnpaid
)

// Claimed is what a return claims.
type Claimed struct {
	// ID is the provider's id; empty if the return carries none.
	ID string
	// Order is the shop's order, if the return carries it.
	Order string
	Hint  Hint
	// Proof is what verify must be told and only this return brings, such as the bank's
	// receipt number: see [Protocol.ProvesInReturn]. It is kept with the payment, at most
	// [MaxProof] bytes. It comes from the browser, so the answer to verify must be checked
	// all the same. If it could be used twice, put it into [Receipt.Number], which is
	// unique.
	Proof string
	// Cancelled: the return says that the customer left the pay page by choice. It goes
	// with HintUnpaid, and changes only the words of a page.
	Cancelled bool
}

// MaxProof is the longest [Claimed.Proof], in bytes.
const MaxProof = 256

// Query is the input of Verify and Inquire. It is made from the record; only Proof comes
// from the browser.
type Query struct {
	ID     string
	Order  string
	Amount Rials
	// Proof is the [Claimed.Proof] of the return.
	Proof string
	// Serial is the [Order.Serial] with which the payment was created; 0 if the shop
	// created it.
	Serial int64
	// Unit is the unit in which the shop told the provider the amount when it created the
	// payment through the relay; 0 stands for the configuration's unit.
	Unit Unit
}

// Order is the input of Create.
type Order struct {
	Number string
	Amount Rials
	// Return is the absolute address to which the customer comes back.
	Return string
	Title  string
	Item   string
	// Buyer is what the buyer wrote. It is sent on if the gateway's document allows it. It
	// never makes Create fail, because every field is optional.
	Buyer Buyer
	// Serial is an integer that no other payment has, more than zero and less than 2^53.
	// It is 0 unless [Protocol.NumbersOrders] is set.
	Serial int64
}

// Started is a payment that the provider has made.
type Started struct {
	ID string
	// PayURL is the absolute address to which the browser goes next.
	PayURL string
	// Form has the fields of a form that the browser must post to PayURL. If it is nil,
	// the browser is redirected.
	Form map[string]string
}

// Pending is a payment in a list of [Lister].
type Pending struct {
	ID string
	// Amount in rials; zero if the list does not say.
	Amount Rials
	// Callback is the address that its customer comes back to, absolute; empty where
	// the list does not say.
	Callback string
}

// Outcome says what a provider's answer means.
type Outcome int

// The outcomes.
const (
	// OutcomeUnknown: a time-out, a reset, a 5xx, HTML, half a JSON, a success in a form
	// that we don't know.
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
	// OutcomeOperator: wrong key, unregistered address …; the owner can fix it.
	OutcomeOperator
	// OutcomeBusy: the provider says "later" (429, "still settling").
	OutcomeBusy
	// OutcomeDoubt: an answer that a person must look at, with Reason set.
	OutcomeDoubt
)

// Answer is a provider's answer, read.
type Answer struct {
	Outcome Outcome
	// Reason refines Outcome if the provider's code does.
	Reason Reason
	// Code is the provider's code in ASCII, for people: at most 32 bytes of
	// letters, digits, '-', '_', '.' and '/'.
	Code string
	// Receipt is set with OutcomePaid and OutcomeAgain, and as far as it is known with
	// OutcomeAwaiting and OutcomeDoubt.
	Receipt *Receipt
	// Unsent says that certainly no byte of the request reached the provider.
	Unsent bool
	// Unmade says that no call was tried, because the question can't be written, such as a
	// verify without the proof that it must name. It tells nothing about the provider.
	Unmade bool
	// RetryAfter is how long the provider asked to wait; zero if it didn't say.
	RetryAfter time.Duration
	// Offset is the provider's clock minus ours, from its Date header. HasOffset says
	// whether it had one.
	Offset    time.Duration
	HasOffset bool
	// Err says what went wrong, for the log. It contains no secret and no text of the
	// provider.
	Err error
}
