package pages

import (
	"net/http"
	"time"
)

// Kind is which answer it is. Its text is part of the address of the
// documentation that problem details point to.
type Kind string

// The kinds.
const (
	// Declined: the provider says that nothing was paid.
	Declined Kind = "declined"
	// Cancelled: nothing was paid, and the return says that this was the customer's choice.
	Cancelled Kind = "cancelled"
	// Confirming: recorded or waiting, no answer yet.
	Confirming Kind = "confirming"
	// Parked: paid, but the shop has given no proof that it credited.
	Parked Kind = "parked"
	// Thanks: paid, at our own checkout, where the site has no page of its own.
	Thanks Kind = "thanks"
	// Duplicate: delivered before.
	Duplicate Kind = "duplicate"
	// Bounce: the form that brings the browser's cookies along.
	Bounce Kind = "bounce"
	// Review: held for a person; the money is the shop's, or nobody knows.
	Review Kind = "review"
	// NotTaken: held for a person; the money was not taken.
	NotTaken Kind = "not-taken"
	// OrderPaid: the order was paid by another payment; this one is not taken.
	OrderPaid Kind = "order-paid"
	// Malformed: a return that can't be genuine.
	Malformed Kind = "malformed"
	// Busy: too many refused returns from there.
	Busy Kind = "busy"
	// Unavailable: nothing can be recorded now.
	Unavailable Kind = "unavailable"
	// NotStarted: no payment was begun, so nothing was paid.
	NotStarted Kind = "not-started"
	// NotFound: no such product or payment.
	NotFound Kind = "not-found"
	// Checkout: what, how much, and a button to pay.
	Checkout Kind = "checkout"
	// ToBank: the payment was begun, and its pay page must be posted to.
	ToBank Kind = "to-bank"
	// FindReceipt: a form for the number of an order and the buyer's mobile.
	FindReceipt Kind = "find-receipt"
	// Receipt: what was bought, and how it is opened on another device.
	Receipt Kind = "receipt"
	// OpenHere: a signed link was followed; a button opens the purchase on this device.
	OpenHere Kind = "open-here"
	// LinkOver: a signed link that opens nothing (any more).
	LinkOver Kind = "link-over"
	// NeedPayment: paid content, and where to buy it.
	NeedPayment Kind = "payment-required"
	// DevicesExceeded: bought, but opened on too many devices.
	DevicesExceeded Kind = "devices"
)

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{Declined, Cancelled, Confirming, Parked, Thanks, Duplicate, Bounce, Review, NotTaken, OrderPaid,
		Malformed, Busy, Unavailable, NotStarted, NotFound, Checkout, ToBank, FindReceipt, Receipt, OpenHere, LinkOver, NeedPayment, DevicesExceeded}
}

// traits are what a kind looks like.
type traits struct {
	status int
	tone   string
	icon   string
	// again is what programs read in pay_again; nil says nothing.
	again *bool
	// after is the Retry-After; zero has none.
	after time.Duration
}

var (
	yes, no = true, false

	kindTraits = map[Kind]traits{
		Declined:        {http.StatusPaymentRequired, "bad", "cross", &yes, 0},
		Cancelled:       {http.StatusPaymentRequired, "calm", "back", &yes, 0},
		Confirming:      {http.StatusAccepted, "wait", "glass", &no, 5 * time.Second},
		Parked:          {http.StatusOK, "good", "check", &no, 0},
		Thanks:          {http.StatusOK, "good", "check", nil, 0},
		Duplicate:       {http.StatusOK, "good", "check", &no, 0},
		Bounce:          {http.StatusOK, "wait", "arrow", &no, 0},
		Review:          {http.StatusConflict, "warn", "eye", &no, 0},
		NotTaken:        {http.StatusConflict, "warn", "back", &no, 0},
		OrderPaid:       {http.StatusPaymentRequired, "warn", "back", &no, 0},
		Malformed:       {http.StatusBadRequest, "bad", "mark", &no, 0},
		Busy:            {http.StatusTooManyRequests, "wait", "glass", &no, 15 * time.Second},
		Unavailable:     {http.StatusServiceUnavailable, "wait", "glass", &no, 10 * time.Second},
		NotStarted:      {http.StatusServiceUnavailable, "warn", "back", &yes, 10 * time.Second},
		NotFound:        {http.StatusNotFound, "warn", "mark", nil, 0},
		Checkout:        {http.StatusOK, "wait", "card", nil, 0},
		ToBank:          {http.StatusOK, "wait", "card", nil, 0},
		FindReceipt:     {http.StatusOK, "calm", "eye", nil, 0},
		Receipt:         {http.StatusOK, "good", "check", nil, 0},
		OpenHere:        {http.StatusOK, "wait", "lock", nil, 0},
		LinkOver:        {http.StatusGone, "warn", "lock", &no, 0},
		NeedPayment:     {http.StatusPaymentRequired, "wait", "lock", nil, 0},
		DevicesExceeded: {http.StatusForbidden, "warn", "lock", &no, 0},
	}
)

// traits of a kind; one that does not exist is Unavailable, which promises
// nothing.
func (k Kind) traits() traits {
	if t, ok := kindTraits[k]; ok {
		return t
	}
	return kindTraits[Unavailable]
}

// Status returns the kind's own HTTP status.
func (k Kind) Status() int { return k.traits().status }
