package notify

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Prefix is before a notifier's name where the ledger's outbox names its receiver.
const Prefix = "notify:"

// kinds are what a notifier calls the outbox's messages about one payment.
var kinds = map[payment.ReportKind]string{
	payment.TellReview: "review", payment.TellParked: "parked", payment.TellShopRefused: "shop_refused",
	payment.TellOwed: "owed", payment.TellRejected: "report_failed",
}

// FromOutbox reports whether events of a kind come from the ledger's outbox, and not by
// [Notifier.Note].
func FromOutbox(kind string) bool {
	for _, k := range kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// Wants implements [payment.Subscriber].
func (n *Notifier) Wants(k payment.ReportKind) bool {
	kind, ok := kinds[k]
	return ok && n.hears(kind)
}

// Report implements [payment.Reporter]: it collects the message, and says that it was
// taken once a request that told of it was.
func (n *Notifier) Report(_ context.Context, s payment.Sale) payment.ReportAnswer {
	if n.box.was(s.EventID) {
		return payment.ReportAnswer{Outcome: payment.ReportAccepted}
	}
	why := s.Reason
	if s.Kind == payment.TellRejected {
		why = ""
	}
	n.box.note(Event{Kind: kinds[s.Kind], Provider: s.Provider, Order: s.Order, Reason: string(why)}, s.EventID)
	return payment.ReportAnswer{Outcome: payment.ReportHeld, RetryAfter: n.box.until(n.every()) + time.Second}
}

// Interface guard.
var _ payment.Subscriber = (*Notifier)(nil)
