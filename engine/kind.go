package engine

import "github.com/rahgir/caddy-payments/payment"

// Kind says what to tell the browser.
type Kind int

// The kinds.
const (
	// Pending: the payment is being confirmed. If Record is nil, nothing was recorded and
	// the same return must come again.
	Pending Kind = iota
	// Verified: it is paid; deliver it now.
	Verified
	// Duplicate: it was delivered before, or is being delivered.
	Duplicate
	// Declined: by the provider's answer it is not paid.
	Declined
	// Parked: it is paid, and the shop has not confirmed.
	Parked
	// Review: it waits for a person.
	Review
	// OrderPaid: another payment has paid the order; this one is not taken.
	OrderPaid
	// Ambiguous: the return contradicts itself.
	Ambiguous
	// Foreign: nothing explains the return, or it belongs to another order, site or route.
	// The provider was not asked.
	Foreign
	// Busy: there are too many returns of strangers.
	Busy
	// Unavailable: the store can't record it.
	Unavailable
)

// KindOf returns what a record's state means to a browser. It is the only place that
// decides that.
func KindOf(r *payment.Record) Kind {
	switch r.State {
	case payment.Verified:
		return Verified
	case payment.Delivering, payment.Delivered:
		return Duplicate
	case payment.Parked:
		return Parked
	case payment.Review:
		return Review
	case payment.Declined, payment.Expired, payment.Reversed:
		switch r.Reason {
		case payment.ReasonOrderPaid, payment.ReasonCalledPaid:
			return OrderPaid
		case payment.ReasonWaiting:
			return Pending // that "no" was to an older return
		}
		return Declined
	}
	return Pending
}
