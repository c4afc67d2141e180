package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The events that are only counted: nothing of them is logged or emitted.
const (
	// EventReturned: a return was answered; Outcome is its [Kind] in one word.
	EventReturned = "return_answered"
	// EventHanded: a hand-over has ended; Outcome is one of the Delivery… words, Via
	// who made it.
	EventHanded = "delivery_ended"
	// EventCounted: a payment has come to an outcome of asking its provider; Outcome is
	// one of the Verify… words.
	EventCounted = "verification_counted"
)

// EventStarting says that a provider was asked to start a payment; Outcome is one of the
// Create… words.
const EventStarting = "payment_starting"

// What calls to a provider are for.
const (
	OperationCreate  = "create"
	OperationVerify  = "verify"
	OperationInquire = "inquire"
)

// Outcomes of asking a provider to start a payment. Unreachable is whatever gave no
// answer that can be read; Busy is that too many wait for this provider already, so
// that it was not asked.
const (
	CreateOK          = "ok"
	CreateRefused     = "refused"
	CreateOperator    = "operator"
	CreateUnreachable = "unreachable"
	CreateBusy        = "busy"
)

// Outcomes of a payment at its provider.
const (
	VerifyPaid     = "paid"
	VerifyAgain    = "again"
	VerifyRefused  = "refused"
	VerifyClosed   = "closed"
	VerifyOperator = "operator"
	VerifyUnknown  = "unknown"
	VerifyDoubt    = "doubt"
)

// Outcomes of handing a payment to its shop. Unsent is that provably nothing
// reached it.
const (
	DeliveryAcked   = "acked"
	DeliveryUnacked = "unacked"
	DeliveryUnsent  = "unsent"
	DeliveryRefused = "refused"
)

// CreateOutcomes are the outcomes of starting a payment. They, VerifyOutcomes,
// DeliveryOutcomes, ReportOutcomes and ReturnKinds are all words that the metrics may
// be labelled with.
func CreateOutcomes() []string {
	return []string{CreateOK, CreateRefused, CreateOperator, CreateUnreachable, CreateBusy}
}

// VerifyOutcomes are the outcomes of a payment at its provider.
func VerifyOutcomes() []string {
	return []string{VerifyPaid, VerifyAgain, VerifyRefused, VerifyClosed, VerifyOperator, VerifyUnknown, VerifyDoubt}
}

// DeliveryOutcomes are the outcomes of handing a payment to its shop.
func DeliveryOutcomes() []string {
	return []string{DeliveryAcked, DeliveryUnacked, DeliveryUnsent, DeliveryRefused}
}

// ReportOutcomes are the outcomes of a report to an affiliate or a webhook.
func ReportOutcomes() []string {
	return []string{OutcomeDone, OutcomeRejected, OutcomeRetried, OutcomeParked}
}

// ReturnKinds are what becomes of a return, in one word each.
func ReturnKinds() []string {
	kinds := []string{returnMalformed, returnUnrouted}
	for k := Pending; k <= Unavailable; k++ {
		kinds = append(kinds, k.String())
	}
	return kinds
}

const (
	returnMalformed = "malformed"
	returnUnrouted  = "unrouted"
)

// ReturnKind is what an event says of a return; "" where it says nothing of one.
func ReturnKind(e Event) string {
	switch e.Name {
	case EventReturned:
		return e.Outcome
	case EventMalformed:
		return returnMalformed
	case EventUnrouted:
		return returnUnrouted
	}
	return ""
}

// ReportOf is what an event says of a report: to whom, and what came of it; "" where
// it says nothing of one, or was counted before. A report is counted as retried once.
func ReportOf(e Event) (to, outcome string) {
	first := func(p payment.Report) bool { return p.To == e.To && p.Tries <= 1 }
	if e.Record == nil || e.Outcome == OutcomeRetried && !slices.ContainsFunc(e.Record.Reports, first) {
		return "", ""
	}
	return e.To, e.Outcome
}

// Admit settles a customer's return: it finds or makes its record, has the
// provider asked (once, however many returns arrive), and says what to tell the
// browser. When ctx ends, because the browser left, or its patience does, only
// the waiting is over: a return that came is seen through, for it may be all
// that is ever known of a payment.
func (e *Engine) Admit(ctx context.Context, a Ask) Result {
	res := e.admitted(ctx, a)
	e.Observer.Observe(Event{Name: EventReturned, Provider: a.Provider, Site: a.Site, Outcome: res.Kind.String()})
	return res
}

// started tells how a provider answered when it was asked to start a payment.
//
// Invariant: each press of Pay that reaches for a provider is told, with the
// provider's name, whatever came of it: a provider that starts no payments is lost
// turnover, and shows nowhere else.
func (e *Engine) started(provider, site string, err error, took time.Duration) {
	ev := Event{Name: EventStarting, Provider: provider, Site: site, Operation: OperationCreate, Outcome: createOutcome(err), Err: err, Took: took}
	ev.Alert = ev.Outcome == CreateUnreachable
	e.Shared.creates.note(provider, ev.Outcome, e.now())
	e.Observer.Observe(ev)
	if ev.Outcome == CreateOperator {
		e.Observer.Observe(Event{Name: EventOperator, Provider: provider, Site: site, Err: err, Alert: true})
	}
}

func createOutcome(err error) string {
	var many *TooManyError
	switch {
	case err == nil:
		return CreateOK
	case errors.As(err, &many):
		return CreateBusy
	case errors.Is(err, payment.ErrOperator):
		return CreateOperator
	case errors.Is(err, payment.ErrRefused):
		return CreateRefused
	}
	return CreateUnreachable
}

// callOutcome is what a provider's answer to a question says, in one word.
func callOutcome(o payment.Outcome) string {
	switch o {
	case payment.OutcomePaid:
		return VerifyPaid
	case payment.OutcomeAgain:
		return VerifyAgain
	case payment.OutcomeRefused:
		return VerifyRefused
	case payment.OutcomeClosed:
		return VerifyClosed
	case payment.OutcomeOperator:
		return VerifyOperator
	case payment.OutcomeDoubt:
		return VerifyDoubt
	case payment.OutcomeOpen:
		return "open"
	case payment.OutcomeAwaiting:
		return "awaiting"
	case payment.OutcomeBusy:
		return "busy"
	case payment.OutcomeUnknown:
	}
	return VerifyUnknown
}

// CallOutcomes are all words of an answer, to a question or to a create.
func CallOutcomes() []string {
	return append(VerifyOutcomes(), "open", "awaiting", "busy")
}

// countVerified notes, in the record that is about to be committed, which outcome a
// payment has come to; "" where it had come to it before.
func countVerified(r *payment.Record) string {
	o, word := payment.Counted(0), ""
	switch r.State {
	case payment.Verified:
		if o, word = payment.CountedPaid, VerifyPaid; r.Receipt != nil && r.Receipt.Again {
			o, word = payment.CountedAgain, VerifyAgain
		}
	case payment.Review:
		o, word = payment.CountedDoubt, VerifyDoubt
	case payment.Declined:
		o, word = payment.CountedRefused, VerifyRefused
	case payment.Expired:
		o, word = payment.CountedClosed, VerifyClosed
	case payment.Unknown:
		if o, word = payment.CountedUnknown, VerifyUnknown; r.Reason == payment.ReasonOperator {
			o, word = payment.CountedOperator, VerifyOperator
		}
	default:
		return ""
	}
	if !r.CountOnce(o) {
		return ""
	}
	return word
}

// countHanded is countVerified for the end of a hand-over.
func countHanded(r *payment.Record, h Handed) string {
	o, word := payment.CountedUnacked, DeliveryUnacked
	switch {
	case h.Acked:
		o, word = payment.CountedAcked, DeliveryAcked
	case h.Refused:
		o, word = payment.CountedShopRefused, DeliveryRefused
	case h.Gated, h.Unsent:
		o, word = payment.CountedUnsent, DeliveryUnsent
	}
	if !r.CountOnce(o) {
		return ""
	}
	return word
}

// counted tells of an outcome that was committed.
func (e *Engine) counted(name string, r *payment.Record, outcome string) {
	if outcome != "" {
		e.Observer.Observe(Event{Name: name, Record: r, Outcome: outcome})
	}
}

// Timer is an Observer that wants to know how long the ledger takes.
type Timer interface {
	// Committed hears of each change that was asked of the ledger, and how long it
	// took; synced is whether it waited for the disk.
	Committed(took time.Duration, synced bool, err error)
}

// KeptBack reports whether calls to a provider are kept back, because too many in a row
// had no answer.
func (e *Engine) KeptBack(provider string) bool {
	p, ok := e.Providers[provider]
	return ok && e.Shared.hosts.Breaker(hostOf(p.Terms())).Open(e.now())
}

// Alarms are the events of which a person must hear, each of which may be an alert.
func Alarms() []string {
	return []string{
		EventReview, EventParked, EventExpired, EventUnknown, EventMissed, EventOperator, EventBreaker, EventStarting, EventMalformed,
		EventForeign, EventUnconverted, EventPaused, EventStore, EventUnrouted, EventTwin, EventPanicked, EventAccount, EventUnannounced,
		EventUnusable, EventUnknownOrder, EventPaidBefore, EventUnclaimed, EventNoPage, EventUntold, EventRefundUnknown,
		EventRelayCall, EventRelayStranger, EventRelayAmount, EventRelayDown, EventNeedsSession, EventGivenBack, EventForeignReturn,
	}
}
