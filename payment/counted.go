package payment

import "time"

// Counted is the set of a payment's outcomes that the metrics have counted.
//
// Invariant: a payment is counted once per outcome, however often the provider is asked,
// the shop is told or the process restarts. Therefore the record remembers it, in the
// same commit as the outcome.
type Counted uint32

// The outcomes of asking the provider, then those of telling the shop.
const (
	CountedPaid Counted = 1 << iota
	CountedAgain
	CountedRefused
	CountedClosed
	CountedOperator
	CountedUnknown
	CountedDoubt
	CountedAcked
	CountedUnacked
	CountedUnsent
	CountedShopRefused
)

// CountOnce adds an outcome and reports whether it is new for this payment.
func (r *Record) CountOnce(o Counted) (first bool) {
	first = r.Counted&o == 0
	r.Counted |= o
	return first
}

// Waits reports whether a payment needs a person, or an answer that has not come. It is in
// review or parked; its provider gave no answer that can be believed; its shop has not
// confirmed it; a person refused it and the shop still has the money; or nobody knows how a
// refund ended. A payment that goes well never waits, so an index of waiting payments costs
// it nothing.
func (r *Record) Waits() bool {
	if r.refundWaits() {
		return true
	}
	switch r.State {
	case Review, Parked, Unknown:
		return true
	case Declined:
		return r.Owed()
	case Verified, Delivering:
		return r.Reason != ""
	}
	return false
}

// NeedsPerson reports whether a payment that is neither in review nor parked goes on only if
// a person does something: nobody knows how its refund ended, no provider block has its
// account, or no site takes its return.
func (r *Record) NeedsPerson() bool {
	switch {
	case r.RefundUnknown():
		return true
	case r.State == Unknown:
		return r.Reason == ReasonNoAccount
	case r.State == Verified || r.State == Delivering:
		return r.Reason == ReasonNoRoute
	}
	return false
}

// WaitsSince returns since when a payment waits in its present state.
func (r *Record) WaitsSince() (since time.Time) {
	if r.refundWaits() {
		return r.Refunds[r.OpenRefund()].Began
	}
	switch r.State {
	case Unknown:
		since = r.Attempts.First
		if r.Return != nil && r.Return.Arrived.After(since) {
			since = r.Return.Arrived
		}
	case Verified, Delivering:
		since = r.Delivery.First
	}
	if since.IsZero() {
		since = r.UpdatedAt
	}
	return since
}
