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

// ReportKind says what a report is about. Affiliate networks get sales and cancellations;
// webhooks get all other kinds, which are also the event types of their messages.
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
	// TellOwed: a person refused the order, and the shop has the money.
	TellOwed ReportKind = "payment.owed"
	// TellRejected: an affiliate network did not accept a report.
	TellRejected ReportKind = "conversion.rejected"
)

// Tells lists the webhooks' kinds that are about one payment.
func Tells() []ReportKind {
	return []ReportKind{TellVerified, TellDelivered, TellDeclined, TellReview, TellParked, TellShopRefused, TellReversed, TellOwed, TellRejected}
}

// Conversion reports whether the receiver is an affiliate network.
func (k ReportKind) Conversion() bool { return k == ReportSale || k == ReportCancel }

// ReportState says how far a report has come.
type ReportState string

// The states of a report.
const (
	// OpenReport waits for the delivery, or for its next try.
	OpenReport ReportState = "open"
	// SentReport was accepted by its receiver.
	SentReport ReportState = "sent"
	// RejectedReport was refused for good.
	RejectedReport ReportState = "rejected"
	// PerhapsReport was refused after an earlier try without an answer, or was open in a
	// ledger that was lost or restored: the receiver may have counted it.
	PerhapsReport ReportState = "perhaps"
	// ParkedReport was tried as long as allowed, and is kept for a person.
	ParkedReport ReportState = "parked"
	// WithdrawnReport is not sent, because the sale's money went back before the network
	// was told.
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

// Report is a message to an affiliate network or a webhook about a payment. It is
// committed with the state that caused it, so it is as durable as that state.
type Report struct {
	// To is the name of the receiver in the configuration.
	To    string      `json:"to"`
	Kind  ReportKind  `json:"k"`
	State ReportState `json:"s"`
	Tries int         `json:"n,omitempty"`
	// Unanswered counts the tries that may have arrived and got no answer.
	Unanswered int `json:"u,omitempty"`
	// Since is when there was something to tell.
	Since time.Time `json:"f,omitzero"`
	// Next is when it is tried next. It is zero while the report waits for the delivery,
	// and when it has ended.
	Next   time.Time `json:"d,omitzero"`
	SentAt time.Time `json:"ok,omitzero"`
	// Last is the receiver's last answer, as a code for people.
	Last string `json:"l,omitempty"`
	// Remembered is the receiver's own id of the report; a cancellation names it.
	Remembered string `json:"m,omitempty"`
	// Generation is the ledger generation in which a network's report was opened. In a later
	// one nobody knows whether it was sent meanwhile.
	Generation uint32 `json:"g,omitempty"`
}

// Sale is what a receiver may be told about a payment. It contains no card number and no
// secret.
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
	// Remembered is the id that the receiver gave the sale.
	Remembered string
	// Record is the payment as it is now; don't change it. It contains the masked card.
	Record *Record
}

// Test reports whether no real money moved.
func (s Sale) Test() bool { return s.Environment == Sandbox }

// Reporter sends reports to one receiver: an affiliate network or a webhook.
// Implementations are safe for concurrent use and never retry on their own.
type Reporter interface {
	Report(ctx context.Context, s Sale) ReportAnswer
}

// Canceler is a Reporter that can report a cancellation, [ReportCancel].
type Canceler interface {
	Reporter
	Cancels() bool
}

// Subscriber is a Reporter for a webhook. It says which kinds it wants.
type Subscriber interface {
	Reporter
	Wants(k ReportKind) bool
}

// Landing describes the links of an affiliate network. Zero values say nothing.
type Landing struct {
	// Param is the query parameter with the visitor's id.
	Param string
	// Pattern is a regular expression for the ids.
	Pattern string
	// TTL is how long the network counts a visit.
	TTL time.Duration
}

// Lander is a Reporter that knows its network's links. What it says are the defaults of
// the `track` directive.
type Lander interface{ Landing() Landing }

// ReportOutcome is what a receiver's answer means.
type ReportOutcome int

// The outcomes of a report.
const (
	// ReportRetry: there was no answer, or one that says nothing about this report.
	ReportRetry ReportOutcome = iota
	// ReportAccepted: counted.
	ReportAccepted
	// ReportRejected: refused for good.
	ReportRejected
	// ReportUnauthorized: the token is wrong. Nothing more is sent until the configuration
	// changes.
	ReportUnauthorized
	// ReportGone: the receiver wants no more reports.
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
	// Unsent is true if it is certain that no byte reached the receiver.
	Unsent bool
	// RetryAfter is how long the receiver asked to wait; zero if it didn't say.
	RetryAfter time.Duration
	// Remember is the receiver's own id of the report.
	Remember string
	// Err is for the log; it carries no secret.
	Err error
}
