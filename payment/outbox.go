package payment

import (
	"context"
	"time"
)

// Track is a captured visit from an affiliate network.
type Track struct {
	// ID is the network's id, opaque.
	ID string `json:"id"`
	// Affiliate is the name of the configured network.
	Affiliate string `json:"f,omitempty"`
	// Landing is the path of the page that the visitor landed on.
	Landing string    `json:"p,omitempty"`
	At      time.Time `json:"t,omitzero"`
}

// ReportKind is what a report tells: a sale or its cancellation to an affiliate
// network, anything else to a webhook. The webhooks' kinds are the event types of
// their messages.
type ReportKind string

// The kinds.
const (
	// ReportSale tells a network of one verified and delivered payment.
	ReportSale ReportKind = "sale"
	// ReportCancel tells a network that the money of a sale went back.
	ReportCancel ReportKind = "cancel"

	TellVerified    ReportKind = "payment.verified"
	TellDelivered   ReportKind = "payment.delivered"
	TellDeclined    ReportKind = "payment.declined"
	TellReview      ReportKind = "payment.review"
	TellParked      ReportKind = "payment.parked"
	TellShopRefused ReportKind = "payment.shop_refused"
	TellReversed    ReportKind = "payment.reversed"
	// TellOwed: a person refused the order, and the money is with the shop.
	TellOwed ReportKind = "payment.owed"
	// TellRejected: an affiliate network did not take a report.
	TellRejected ReportKind = "conversion.rejected"
)

// Tells lists the webhooks' kinds that are about one payment.
func Tells() []ReportKind {
	return []ReportKind{TellVerified, TellDelivered, TellDeclined, TellReview, TellParked, TellShopRefused, TellReversed, TellOwed, TellRejected}
}

// Conversion reports whether an affiliate network is the receiver.
func (k ReportKind) Conversion() bool { return k == ReportSale || k == ReportCancel }

// ReportState is where a report stands.
type ReportState string

// The states of a report.
const (
	// OpenReport waits for the delivery, or for its next try.
	OpenReport ReportState = "open"
	// SentReport was accepted by its receiver.
	SentReport ReportState = "sent"
	// RejectedReport was refused for good.
	RejectedReport ReportState = "rejected"
	// PerhapsReport was refused after an earlier try without an answer: the
	// receiver may have counted it.
	PerhapsReport ReportState = "perhaps"
	// ParkedReport was tried for as long as it may be, and is kept for a person.
	ParkedReport ReportState = "parked"
	// WithdrawnReport is of a sale whose money went back before the network was
	// told of it: it is not told.
	WithdrawnReport ReportState = "withdrawn"
)

// ReportStates lists the states.
func ReportStates() []ReportState {
	return []ReportState{OpenReport, SentReport, RejectedReport, PerhapsReport, ParkedReport, WithdrawnReport}
}

// Failed reports whether a person must look at the report.
func (s ReportState) Failed() bool {
	return s == RejectedReport || s == PerhapsReport || s == ParkedReport
}

// Report is one thing that somebody outside is to be told of a payment. It is
// committed with the state that caused it, so it is as durable as that state.
type Report struct {
	// To is the name of the receiver in the configuration.
	To    string      `json:"to"`
	Kind  ReportKind  `json:"k"`
	State ReportState `json:"s"`
	Tries int         `json:"n,omitempty"`
	// Unanswered is how many tries may have arrived without an answer.
	Unanswered int `json:"u,omitempty"`
	// Since is when there was something to tell.
	Since time.Time `json:"f,omitzero"`
	// Next is when it is tried next; zero where it waits for the delivery, or for
	// nothing any more.
	Next   time.Time `json:"d,omitzero"`
	SentAt time.Time `json:"ok,omitzero"`
	// Last is the receiver's last answer, as a code for people.
	Last string `json:"l,omitempty"`
	// Remembered is the receiver's own id of what it was told, for a cancellation.
	Remembered string `json:"m,omitempty"`
}

// Sale is what a receiver is told: everything that may leave about one payment. It
// holds no card number and no secret.
type Sale struct {
	// EventID is the same for every try of one report, and for no other report.
	EventID string
	// Try counts from 1.
	Try  int
	Kind ReportKind
	// At is when there was something to tell.
	At    time.Time
	Track Track

	Ref                Ref
	Site, Provider, ID string
	Order, Item        string
	State              State
	Reason             Reason
	// Amount is the price in rials.
	Amount Rials
	PaidAt time.Time
	// Environment is [Live] or [Sandbox].
	Environment string
	// Remembered is what the receiver's answer to the sale said.
	Remembered string
	// Record is the payment as it stands now, read only. It holds the masked card.
	Record *Record
}

// Test reports whether no real money moved.
func (s Sale) Test() bool { return s.Environment == Sandbox }

// Reporter tells one receiver: an affiliate network or a webhook. Implementations
// are safe for concurrent use and never retry on their own.
type Reporter interface {
	Report(ctx context.Context, s Sale) ReportAnswer
}

// Canceler is a Reporter that can be told of a cancellation, [ReportCancel].
type Canceler interface {
	Reporter
	Cancels() bool
}

// Subscriber is a Reporter of a webhook. It says which kinds it wants to hear of.
type Subscriber interface {
	Reporter
	Wants(k ReportKind) bool
}

// Landing is what an affiliate network's links carry. Zero values say nothing.
type Landing struct {
	// Param is the query parameter with the visitor's id.
	Param string
	// Pattern is what an id looks like, a regular expression.
	Pattern string
	// TTL is how long the network counts a visit.
	TTL time.Duration
}

// Lander is a Reporter that knows what its network's links carry: these are the
// defaults of the `track` directive.
type Lander interface{ Landing() Landing }

// ReportOutcome is what a receiver's answer means.
type ReportOutcome int

// The outcomes of a report.
const (
	// ReportRetry: no answer, or one that says nothing about this report.
	ReportRetry ReportOutcome = iota
	// ReportAccepted: counted.
	ReportAccepted
	// ReportRejected: refused for good.
	ReportRejected
	// ReportUnauthorized: the token is wrong; nothing more is sent until the
	// configuration changes.
	ReportUnauthorized
	// ReportGone: the receiver wants to hear nothing more.
	ReportGone
	// ReportHeld: it will be told together with others, in RetryAfter at the earliest.
	// Asking again then says whether it was; this was no try.
	ReportHeld
)

// ReportAnswer is a receiver's answer, read.
type ReportAnswer struct {
	Outcome ReportOutcome
	// Code is a short code for people.
	Code string
	// Unsent is true where it is certain that no byte reached the receiver.
	Unsent bool
	// RetryAfter is what the receiver asked for; zero where it did not.
	RetryAfter time.Duration
	// Remember is the receiver's own id of what it was told.
	Remember string
	// Err is for the log; it carries no secret.
	Err error
}
