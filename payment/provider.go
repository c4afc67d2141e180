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
type Provider interface {
	// Traits says what the protocol promises. It is constant for the life of
	// the value.
	Traits() Traits
	// ReadReturn reads the provider's parameters of the customer's return. It
	// is pure. get returns the single value of a parameter, "" where absent.
	// Malformed parameters give an error that wraps ErrMalformed and names the
	// parameter, never its value.
	ReadReturn(get func(name string) string) (Claimed, error)
	// PayPage returns the provider's id if u is an address of this provider's
	// pay page.
	PayPage(u *url.URL) (id string, ok bool)
	// Verify settles a payment. The caller has made its claim durable before.
	Verify(ctx context.Context, q Query) Answer
	// ReturnParams gives the values that the provider's parameters must have in
	// the request that reaches the shop: what the receipt speaks of. An empty
	// value removes the parameter (the hashed card). Parameters that are not
	// named keep what the browser sent.
	ReturnParams(r *Record) map[string]string
}

// Creator is a provider that can start a payment by a documented call.
type Creator interface {
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

// Accounted is a provider that tells its account at the issuer from others. Of
// one that doesn't, all names of one issuer count as one account.
type Accounted interface {
	// AccountID is equal for equal credentials and different for others, in every
	// process and for all time: see [AccountID], which makes it. It is part of
	// the issuer.
	AccountID() string
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

// Traits are what a provider's protocol promises.
type Traits struct {
	// Issuer is protocol + account + environment; see [Issuer]. It is what
	// receipts are unique by.
	Issuer string
	// FormerIssuers are what earlier versions called this issuer. What they wrote
	// under these names is looked up and never written any more.
	FormerIssuers []string
	// Host is the host that is called. Pace, lanes and breaker are by host: they are
	// about who answers, not about whose money it is. Empty stands for Issuer.
	Host string
	// Environment is [Live] or [Sandbox].
	Environment string
	// Params are the names of the parameters that the provider adds to the
	// return, exactly as documented or seen.
	Params []string
	// Marks are those of them that every return carries, so that one can be known
	// anywhere. Case does not count. Empty where no document says.
	Marks []string
	// AnswersOrder and AnswersAmount say whether the answer to verify names
	// them.
	AnswersOrder, AnswersAmount bool
	// SendsAmount says whether verify tells the provider the amount.
	SendsAmount bool
	// TellsFirst says whether a repeated verify is answered differently from
	// the first.
	TellsFirst bool
	// GivesBack says whether money that is never verified goes back to the
	// payer by itself.
	GivesBack bool
	// Window is how long after the payment it can be verified; zero where the
	// document does not say.
	Window time.Duration
	// Min and Max are the amounts in rials that the document allows; zero where
	// it does not say.
	Min, Max Rials
	// PayerFee is the most in rials that the payer may have paid on top of
	// price under a documented fee; nil where there is none.
	PayerFee func(price Rials) Rials
}

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
}

// Query is what verify and inquiry are asked with. It is made from the record,
// never from the browser.
type Query struct {
	ID     string
	Order  string
	Amount Rials
}

// Order is what Create is asked with.
type Order struct {
	Number string
	Amount Rials
	// Return is where the customer comes back to, absolute.
	Return string
	Title  string
	Item   string
}

// Started is a payment that the provider has made.
type Started struct {
	ID string
	// PayURL is where the browser goes next, absolute.
	PayURL string
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
