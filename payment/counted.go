package payment

import "time"

// Counted are the outcomes of a payment that the metrics have counted.
//
// Invariant: a payment is counted once per outcome, however often its provider
// was asked, its shop was told or the process was started anew. That is why the
// record remembers it, in the same commit as the outcome itself.
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

// CountOnce notes an outcome and reports whether it is new for this payment.
func (r *Record) CountOnce(o Counted) (first bool) {
	first = r.Counted&o == 0
	r.Counted |= o
	return first
}

// Waits reports whether a payment needs a person, or an answer that has not come:
// held for review, parked, without a believable answer of its provider, or paid
// and not taken by its shop. A payment that goes well never waits, so an index of
// those that do costs it nothing.
func (r *Record) Waits() bool {
	switch r.State {
	case Review, Parked, Unknown:
		return true
	case Verified, Delivering:
		return r.Reason != ""
	}
	return false
}

// WaitsSince is since when a payment waits in the state that it is in.
func (r *Record) WaitsSince() (since time.Time) {
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
