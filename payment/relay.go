package payment

import (
	"context"
	"strings"
	"time"
)

// Agent is the User-Agent of our own calls. A relay refuses a call that has it, because the
// call has come back to us.
const Agent = "caddy-payments"

// Relayer is a provider whose own API we can serve to the shop. The shop's plugin calls our
// address in place of the provider's, and nothing else changes. The methods read and write
// the messages of the provider's document; only ForwardCall makes a call. The engine
// decides what the shop hears, never a provider's module.
//
// All methods but ForwardCall are pure. If a document is silent, an implementation says
// "not read" and does not guess. A call that can't be read is forwarded, and its outcome
// is recorded as unknown.
type Relayer interface {
	Provider
	// Dialect lists the hosts and calls of the document. It works on a value that
	// was neither configured nor provisioned, and is constant.
	Dialect() Dialect
	// Owns says whether a call's credentials are those of this configuration, including
	// its environment (live or sandbox). It compares secrets in constant time. The error
	// wraps ErrMalformed if the call has two different credentials, or none.
	Owns(c RelayCall) (RelayOwner, error)
	// ReadCall reads a create, a verify, an inquiry or a give-back. The error wraps
	// ErrMalformed if the call must name a payment and does not, or can be read in two
	// ways; it names the field, never its value. The result's Kind is what the call
	// really is: in some documents the body decides, so that a refund has the address of
	// verify (NextPay).
	ReadCall(kind RelayKind, c RelayCall) (RelayAsk, error)
	// ForwardCall sends the call to the provider, once, as it came: method, path
	// below `base_url`, query, Content-Type, body and the headers of the dialect,
	// and nothing else. It follows no redirect and asks for no compression.
	ForwardCall(ctx context.Context, c RelayCall) RelayReply
	// ReadCreated reads the answer to a create. It returns the id of a payment that was
	// certainly created; ok is false for every other answer.
	ReadCreated(r RelayReply) (id string, ok bool)
	// ReadVerified reads the answer to a verify, exactly as Verify reads its own.
	ReadVerified(r RelayReply) Answer
	// ReadGivenBack reads the answer to a give-back: OutcomePaid where the money is
	// on its way back, OutcomeRefused where it certainly stays, else
	// OutcomeUnknown.
	ReadGivenBack(r RelayReply) Outcome
	// WriteReply writes a word as the document writes it. a is the call to answer. rec is
	// the payment; it is nil for words that concern none. Card data that a receipt doesn't
	// have, such as the card's hash, is left empty.
	WriteReply(word RelayWord, a RelayAsk, rec *Record) RelayReply
	// UnpaidParams returns the parameters of a return with the values that the document
	// has for "not paid", and with "" for those that must be removed (amounts, receipt
	// numbers, cards). It returns nil if no document says how a return tells "not paid".
	// Then a declined return is passed on without any claim.
	UnpaidParams() map[string]string
}

// RelayKind says what a call of the shop asks for.
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
	// RelayHarmless settles nothing and concerns no single payment: lists, fees, the
	// account.
	RelayHarmless
	// RelayGiveBack sends money back, or releases it: reverse, refund, revert,
	// cancel.
	RelayGiveBack
	// RelayPayPage comes from a browser: the plugin derives the pay page's address from
	// the API's. The browser is redirected to the provider's page.
	RelayPayPage
)

// String returns the kind in one word, for events and metrics.
func (k RelayKind) String() string {
	return [...]string{"unknown", "create", "verify", "inquire", "harmless", "give_back", "pay_page"}[k]
}

// Dialect describes a provider's API as far as a relay needs it.
type Dialect struct {
	// Hosts are all hosts on which the provider serves API or pay page, live and
	// sandbox, in lower case.
	Hosts []string
	// Routes are the documented calls.
	Routes []RelayRoute
	// Headers are the names of the request headers that calls carry besides Content-Type,
	// in canonical form. No other header of the shop is forwarded.
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

// Kind says what a request is. path is escaped as it came; one slash at its end is
// ignored. A method or path that isn't listed is RelayUnknown, because a dialect lists
// what is allowed.
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

// RelayCall is a call of the shop, complete and bounded.
type RelayCall struct {
	// Host is the provider's host that the shop called, in lower case, if the relay takes
	// the provider's place; it is empty under an address of our own.
	Host   string
	Method string
	// Path is the escaped path of the provider's API, as the shop wrote it; Query
	// the raw query, mostly empty.
	Path, Query string
	// Type is the Content-Type.
	Type string
	Body []byte
	// Header has the dialect's headers of the call, by canonical name. A call with two
	// different values of one header was refused before.
	Header map[string]string
}

// RelayReply is an answer to a call: the provider's as it came, or one of ours.
type RelayReply struct {
	// Status is the HTTP status; 0 if there is no answer.
	Status int
	Type   string
	Body   []byte
	// Unsent: certainly no byte of the call reached the provider.
	Unsent bool
	// Unit is that of the call's amount; 0 if the call names none. An answer's amounts are
	// in it if the document lets the call choose.
	Unit Unit
	// Err says why there is no complete answer. It contains no secret and no text of the
	// provider.
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
	// Order is the shop's order, if the call names it.
	Order string
	// Number is the amount as the call has it, counted in Unit; 0 if the call has none,
	// or none that can be read, and -1 if it has what is no payment's amount: zero, less, or
	// no number. Unit is 0 if the call doesn't say; then the unit is that
	// of the payment's create.
	Number int64
	Unit   Unit
	// Unread: the call has an amount that can't be read. Nothing is compared then.
	Unread bool
	// Odd: the amount is read, and is not written as documents write it ("05000", "+5000"), so
	// that the provider may read it in another way.
	Odd bool
	// Callback is the address that a create names for the customer's return.
	Callback string
	// Proof is the [Claimed.Proof] that a verify names.
	Proof string
}

// Amount returns the amount in rials, or 0 if it isn't known.
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

// RelayOwner says whose call it is.
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

// RelayWord is an answer that we give in place of the provider.
type RelayWord int

// The words.
const (
	// RelayFirst: verified by this call. It is made from the receipt if the provider's own
	// answer isn't kept any more.
	RelayFirst RelayWord = iota
	// RelayAgain: verified before. If the document has no such answer, it is the same as
	// RelayFirst.
	RelayAgain
	// RelayAwaiting answers an inquiry: paid, and not verified yet.
	RelayAwaiting
	// RelayOtherAmount: the payment has another amount. Nothing was settled.
	RelayOtherAmount
	// RelayDown: try again later. Nothing was done.
	RelayDown
	// RelayNoSuchCall: the call isn't in the dialect. Its status is 501.
	RelayNoSuchCall
	// RelayForbidden: the credentials are not accepted here. Its status is 403.
	RelayForbidden
	// RelayUnreadable: the call can't be read, or in two ways. Its status is 400, or 413.
	RelayUnreadable
	// RelayNoPayment: this shop has no such payment. Nothing was asked.
	RelayNoPayment
)

// IDReader is a [Provider] that knows the form of its ids, by which it reads those of returns.
type IDReader interface {
	// ReadID returns an id as returns are read, however it was written. The error says which
	// form an id has, for whoever wrote another one.
	ReadID(said string) (id string, err error)
}

// PayPager is a [Relayer] whose pay page has an address that contains the id. A customer
// whom a plugin sends to the relay is redirected to it.
type PayPager interface {
	// PageOf returns the absolute address of a payment's pay page.
	PageOf(id string) string
}
