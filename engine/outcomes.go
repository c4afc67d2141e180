package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The events that are only counted. They are neither logged nor emitted.
const (
	// EventReturned: a return was answered; Outcome is its [Kind] in one word.
	EventReturned = "return_answered"
	// EventHanded: a delivery has ended; Outcome is one of the Delivery… words.
	EventHanded = "delivery_ended"
	// EventCounted: the provider's answer has brought a payment to an outcome; Outcome is
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

// Outcomes of asking a provider to start a payment. Unreachable: there was no answer that
// can be read. Busy: the provider was not asked, because too many payments are being
// started there.
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

// Outcomes of delivering a payment to its shop. Unsent: certainly nothing reached the shop.
const (
	DeliveryAcked   = "acked"
	DeliveryUnacked = "unacked"
	DeliveryUnsent  = "unsent"
	DeliveryRefused = "refused"
)

// CreateOutcomes returns the outcomes of starting a payment. They, VerifyOutcomes,
// DeliveryOutcomes, ReportOutcomes and ReturnKinds are all words that the metrics may
// be labelled with.
func CreateOutcomes() []string {
	return []string{CreateOK, CreateRefused, CreateOperator, CreateUnreachable, CreateBusy}
}

// VerifyOutcomes returns the outcomes of a payment at its provider.
func VerifyOutcomes() []string {
	return []string{VerifyPaid, VerifyAgain, VerifyRefused, VerifyClosed, VerifyOperator, VerifyUnknown, VerifyDoubt}
}

// DeliveryOutcomes returns the outcomes of handing a payment to its shop.
func DeliveryOutcomes() []string {
	return []string{DeliveryAcked, DeliveryUnacked, DeliveryUnsent, DeliveryRefused}
}

// ReportOutcomes returns the outcomes of a report to an affiliate or a webhook.
func ReportOutcomes() []string {
	return []string{OutcomeDone, OutcomeRejected, OutcomeRetried, OutcomeParked}
}

// ReturnKinds returns what becomes of a return, in one word each.
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

// ReturnKind returns the kind of the return that an event is about, or "" if it is about
// none.
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

// ReportOf returns the receiver and the outcome of the report that an event is about; both
// are "" if it is about none, or was counted before. A report counts as retried once.
func ReportOf(e Event) (to, outcome string) {
	first := func(p payment.Report) bool { return p.To == e.To && p.Tries <= 1 }
	if e.Record == nil || e.Outcome == OutcomeRetried && !slices.ContainsFunc(e.Record.Reports, first) {
		return "", ""
	}
	return e.To, e.Outcome
}

// Admit settles a customer's return. It finds or makes the record, has the provider asked
// (once, however many returns arrive), and says what to tell the browser. When ctx ends
// because the browser has left, or the patience ends, only the waiting ends: the return is
// still settled, because it may be all that is ever known of the payment.
func (e *Engine) Admit(ctx context.Context, a Ask) Result {
	ctx, end := e.span(ctx, SpanVerify, "")
	res := e.admitted(ctx, a)
	about := res.Record
	if about == nil {
		about = &payment.Record{Provider: a.Provider, Route: a.Route}
	}
	end(about, res.Kind.String(), res.Err)
	e.Observer.Observe(Event{Name: EventReturned, Provider: a.Provider, Site: a.Site, Outcome: res.Kind.String()})
	return res
}

// started reports how a provider answered when it was asked to start a payment.
//
// Invariant: each press of Pay for a provider is reported with the provider's name, whatever
// the outcome. A provider that starts no payments costs turnover, and nothing else shows
// it.
func (e *Engine) started(provider, site string, hostNamed bool, err error, took time.Duration) {
	ev := Event{Name: EventStarting, Provider: provider, Site: site, Operation: OperationCreate, Outcome: createOutcome(err), Err: err, Took: took}
	ev.Alert = ev.Outcome == CreateUnreachable
	if hostNamed && ev.Outcome == CreateOperator && e.Shared.creates.others(provider, site, e.now()) {
		ev.Outcome, ev.Err = CreateRefused, fmt.Errorf("%w: %w", ErrSiteRefused, err)
	}
	e.Shared.creates.note(provider, site, ev.Outcome, e.now())
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

var callOutcomes = map[payment.Outcome]string{
	payment.OutcomePaid: VerifyPaid, payment.OutcomeAgain: VerifyAgain, payment.OutcomeRefused: VerifyRefused, payment.OutcomeClosed: VerifyClosed,
	payment.OutcomeOperator: VerifyOperator, payment.OutcomeDoubt: VerifyDoubt, payment.OutcomeOpen: "open", payment.OutcomeAwaiting: "awaiting",
	payment.OutcomeBusy: "busy",
}

// callOutcome returns what a provider's answer to a question says, in one word.
func callOutcome(o payment.Outcome) string { return cmp.Or(callOutcomes[o], VerifyUnknown) }

// CallOutcomes returns all outcomes of a call to a provider, of a question or a create.
func CallOutcomes() []string {
	return append(VerifyOutcomes(), "open", "awaiting", "busy")
}

// countVerified records a payment's outcome in the record that is about to be committed. It
// returns the outcome, or "" if the payment had it before.
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
	}
	return countOnce(r, o, word)
}

// countOnce returns the word of an outcome. It returns "" without an outcome, and where the
// payment had that outcome before.
func countOnce(r *payment.Record, o payment.Counted, word string) string {
	if o == 0 || !r.CountOnce(o) {
		return ""
	}
	return word
}

// countHanded is countVerified for the end of a delivery.
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
	return countOnce(r, o, word)
}

// counted reports an outcome that was committed.
func (e *Engine) counted(name string, r *payment.Record, outcome string) {
	if outcome != "" {
		e.Observer.Observe(Event{Name: name, Record: r, Outcome: outcome})
	}
}

// Timer is an Observer that measures the ledger.
type Timer interface {
	// Committed is called after each commit with its duration. synced says whether it
	// waited for the disk.
	Committed(took time.Duration, synced bool, err error)
}

// KeptBack reports whether calls to a provider are held back, because too many of the last
// ones got no answer.
func (e *Engine) KeptBack(provider string) bool {
	p, ok := e.Providers[provider]
	return ok && e.Shared.hosts.Breaker(hostOf(p.Terms())).Open(e.now())
}

// Alarms returns the events that may be alerts: a person must hear of them.
func Alarms() []string {
	return []string{
		EventReview, EventParked, EventExpired, EventUnknown, EventMissed, EventOperator, EventBreaker, EventStarting, EventMalformed,
		EventForeign, EventUnconverted, EventPaused, EventStore, EventUnrouted, EventRepeated, EventPanicked, EventAccount, EventUnannounced,
		EventUnusable, EventUnknownOrder, EventPaidBefore, EventUnclaimed, EventForgotten, EventNoAccount, EventNoPage, EventCatalogue, EventUntold, EventRefundUnknown,
		EventRelayCall, EventRelayStranger, EventRelayAmount, EventRelayDown, EventNeedsSession, EventMissedReturn, EventGivenBack, EventForeignReturn,
		EventUnpriced, EventUnverifiedCredit, EventSlow, EventUnwatched,
	}
}
