package engine_test

import (
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Whatever reason a record has, a browser is told "paid" of captured money alone, and
// the two reasons that change a "no" change nothing else.
func TestKindOf(t *testing.T) {
	t.Parallel()
	reasons := []payment.Reason{"", payment.ReasonOrderPaid, payment.ReasonWaiting, payment.ReasonNotPaid, payment.ReasonUnknownID, payment.ReasonBinding, payment.ReasonReturned}
	for state, want := range map[payment.State]engine.Kind{
		payment.Created: engine.Pending, payment.Verifying: engine.Pending, payment.Unknown: engine.Pending, "of a later version": engine.Pending,
		payment.Verified: engine.Verified, payment.Delivering: engine.Duplicate, payment.Delivered: engine.Duplicate, payment.Parked: engine.Parked,
		payment.Review: engine.Review, payment.Declined: engine.Declined, payment.Expired: engine.Declined, payment.Reversed: engine.Declined,
	} {
		for _, reason := range reasons {
			want := want
			if want == engine.Declined && reason == payment.ReasonOrderPaid {
				want = engine.OrderPaid
			}
			if want == engine.Declined && reason == payment.ReasonWaiting {
				want = engine.Pending
			}
			r := &payment.Record{State: state, Reason: reason}
			got := engine.KindOf(r)
			if got != want {
				t.Errorf("%s (%s): %s, want %s", state, reason, got, want)
			}
			if paid := got == engine.Verified || got == engine.Duplicate || got == engine.Parked; paid != state.Captured() {
				t.Errorf("%s (%s) is %s", state, reason, got)
			}
		}
	}
}
