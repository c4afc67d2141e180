package payment

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Agent is the User-Agent of our own calls. A relay refuses a call that has it: it came
// back to us.
const Agent = "caddy-payments"

// Relayer is a provider whose own API can be served to the shop by us: the shop's
// plugin calls our address instead of the provider's, and nothing else changes.
// Everything here describes the provider's document and does no more than read and
// write its messages, except ForwardCall. What the shop hears is the engine's to
// decide, never a provider's module.
//
// All methods but ForwardCall are pure. Where a document is silent, an
// implementation says "not read" rather than guess: a call that can't be read is
// forwarded, and what became of it is recorded as unknown.
type Relayer interface {
	Provider
	// Dialect lists the hosts and calls of the document. It works on a value that
	// was neither configured nor provisioned, and is constant.
	Dialect() Dialect
	// Owns tells whether a call's credentials are those of this configuration, its
	// environment (live or sandbox) included. It compares secrets in constant time.
	// The error wraps ErrMalformed where the call has two that differ, or none.
	Owns(c RelayCall) (RelayOwner, error)
	// ReadCall reads what a create, a verify, an inquiry or a give-back says. The
	// error wraps ErrMalformed where the call names no payment though it must, or
	// can be read in two ways; it names the field, never its value. The ask's Kind is
	// what the call is: there are documents in which the body decides that, and a
	// refund has verify's address (NextPay).
	ReadCall(kind RelayKind, c RelayCall) (RelayAsk, error)
	// ForwardCall sends the call to the provider, once, as it came: method, path
	// below `base_url`, query, Content-Type, body and the headers of the dialect,
	// and nothing else. It follows no redirect and asks for no compression.
	ForwardCall(ctx context.Context, c RelayCall) RelayReply
	// ReadCreated reads the answer to a create: the id of the payment that was
	// certainly made. ok is false for every other answer.
	ReadCreated(r RelayReply) (id string, ok bool)
	// ReadVerified reads the answer to a verify, exactly as Verify reads its own.
	ReadVerified(r RelayReply) Answer
	// ReadGivenBack reads the answer to a give-back: OutcomePaid where the money is
	// on its way back, OutcomeRefused where it certainly stays, else
	// OutcomeUnknown.
	ReadGivenBack(r RelayReply) Outcome
	// WriteReply writes what the document has for a word. a is the call that is
	// answered; rec is the payment, and nil for words that speak of none. Card data
	// that a receipt doesn't have, such as the card's hash, is left empty.
	WriteReply(word RelayWord, a RelayAsk, rec *Record) RelayReply
	// UnpaidParams are the parameters of a return with the values that the document
	// has for "not paid", and with "" for those that must be removed (amounts,
	// receipt numbers, cards). It is nil where no document says how a return tells
	// "not paid": then a declined return is passed without any claim.
	UnpaidParams() map[string]string
}

// RelayKind is what a call of the shop's asks for.
type RelayKind int

// The kinds of calls.
const (
	// RelayUnknown is not in the dialect. It is never forwarded.
	RelayUnknown RelayKind = iota
	// RelayCreate starts a payment.
	RelayCreate
	// RelayVerify settles one.
	RelayVerify
	// RelayInquire asks about one payment and settles nothing.
	RelayInquire
	// RelayHarmless settles nothing and is about no single payment: lists, fees, a
	// look at the account.
	RelayHarmless
	// RelayGiveBack sends money back, or releases it: reverse, refund, revert,
	// cancel.
	RelayGiveBack
	// RelayPayPage is a browser that was sent to us because the plugin makes the
	// pay page's address from the API's. It is redirected to the provider's page.
	RelayPayPage
)

// String returns the kind in one word, for events and metrics.
func (k RelayKind) String() string {
	return [...]string{"unknown", "create", "verify", "inquire", "harmless", "give_back", "pay_page"}[k]
}

// Dialect is what a provider's document says of its API, as far as a relay needs it.
type Dialect struct {
	// Hosts are all hosts on which the provider serves API or pay page, live and
	// sandbox, in lower case.
	Hosts []string
	// Routes are the documented calls.
	Routes []RelayRoute
	// Headers are the names of the request headers that the calls carry, beside
	// Content-Type, in canonical form. No other header of the shop's is forwarded.
	Headers []string
}

// RelayRoute is one call of a dialect.
type RelayRoute struct {
	// Method is GET, POST, PUT or DELETE.
	Method string
	// Path begins with a slash and doesn't end with one. A segment "*" stands for
	// any one segment that isn't empty, "." or "..".
	Path string
	Kind RelayKind
}

// Kind tells what a request is. path is escaped as it came; one slash at its end
// says nothing. A method or path that isn't listed is RelayUnknown: a dialect is a
// list of what is allowed.
func (d Dialect) Kind(method, path string) RelayKind {
	path = strings.TrimSuffix(path, "/")
	for _, r := range d.Routes {
		if r.Method == method && fitsRoute(r.Path, path) {
			return r.Kind
		}
	}
	return RelayUnknown
}

func fitsRoute(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i, seg := range want {
		switch {
		case seg != "*":
			if seg != got[i] {
				return false
			}
		case strings.Trim(strings.ReplaceAll(strings.ToLower(got[i]), "%2e", "."), ".") == "":
			return false
		}
	}
	return true
}

// RelayCall is a call of the shop's, whole and bounded.
type RelayCall struct {
	// Host is the provider's host that the shop called, in lower case, where the
	// relay stands in the provider's place; empty under an address of our own.
	Host   string
	Method string
	// Path is the escaped path of the provider's API, as the shop wrote it; Query
	// the raw query, mostly empty.
	Path, Query string
	// Type is the Content-Type.
	Type string
	Body []byte
	// Header has the dialect's headers that came, by canonical name. One that came
	// twice with different values was refused before.
	Header map[string]string
}

// RelayReply is an answer to a call: the provider's as it came, or one of ours.
type RelayReply struct {
	// Status is the HTTP status; 0 where there is no answer.
	Status int
	Type   string
	Body   []byte
	// Unsent: certainly no byte of the call reached the provider.
	Unsent bool
	// Err says why there is no whole answer. It carries no secret and no text of
	// the provider's.
	Err error
	// RetryAfter, Offset and HasOffset are those of [Answer].
	RetryAfter time.Duration
	Offset     time.Duration
	HasOffset  bool
}

// RelayAsk is what a call says.
type RelayAsk struct {
	Kind RelayKind
	// ID is the provider's id; empty for a create.
	ID string
	// Order is the shop's order, where the call names it.
	Order string
	// Number is the amount as it stands in the call, counted in Unit; 0 where the
	// call names none, or none that can be read. Unit is 0 where the call doesn't
	// say: then it is that of the payment's create.
	Number int64
	Unit   Unit
	// Unread: an amount stands there and can't be read. Nothing is compared then.
	Unread bool
	// Callback is the address that a create names for the customer's return.
	Callback string
}

// Amount returns the amount in rials, 0 where it isn't known.
func (a RelayAsk) Amount() Rials {
	if a.Number <= 0 || a.Unit == 0 {
		return 0
	}
	r, err := a.Unit.Rials(a.Number)
	if err != nil {
		return 0
	}
	return r
}

// RelayOwner tells whose call it is.
type RelayOwner int

// The owners.
const (
	// RelayStranger: other credentials than this block's.
	RelayStranger RelayOwner = iota
	// RelayOwn: this block's.
	RelayOwn
	// RelayOtherEnvironment: this block's account, and the other one of live and
	// sandbox.
	RelayOtherEnvironment
)

// RelayWord is an answer that we give in the provider's place.
type RelayWord int

// The words.
const (
	// RelayFirst: verified, by this call. It is made from the receipt where the
	// provider's own answer isn't kept any more.
	RelayFirst RelayWord = iota
	// RelayAgain: verified before. Where the document knows no such answer it is the
	// same as RelayFirst.
	RelayAgain
	// RelayAwaiting is an inquiry's answer: paid, and not verified yet.
	RelayAwaiting
	// RelayOtherAmount: the payment has another amount. Nothing was settled.
	RelayOtherAmount
	// RelayDown: come again later. Nothing was done.
	RelayDown
	// RelayNoSuchCall: the call isn't in the dialect. Its status is 501.
	RelayNoSuchCall
	// RelayForbidden: the credentials are not good here. Its status is 403.
	RelayForbidden
)

// ErrRelay is wrapped by errors about calls that a relay doesn't take.
var ErrRelay = errors.New("not a call that the relay takes")

// PayPager is a [Relayer] whose pay page has an address that is made from the id: a
// customer whom a plugin sends to the relay is sent on to it.
type PayPager interface {
	// PageOf is the provider's pay page of a payment, absolute.
	PageOf(id string) string
}
