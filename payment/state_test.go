package payment_test

import (
	"errors"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// The whole machine, written down a second time by hand: a row added to or
// lost from the code's table fails here.
func TestStepTable(t *testing.T) {
	t.Parallel()
	want := map[payment.State]map[payment.Trigger]payment.State{
		payment.Created:   {payment.Claim: payment.Verifying, payment.Lapse: payment.Expired, payment.Refuse: payment.Declined, payment.Witnessed: payment.Delivered, payment.Silence: payment.Unknown},
		payment.Verifying: {payment.Claim: payment.Verifying, payment.Confirm: payment.Verified, payment.Silence: payment.Unknown, payment.Refuse: payment.Declined, payment.Doubt: payment.Review, payment.Lapse: payment.Expired, payment.Void: payment.Created},
		payment.Unknown:   {payment.Claim: payment.Verifying, payment.Doubt: payment.Review, payment.Lapse: payment.Expired},
		payment.Declined:  {payment.Claim: payment.Verifying, payment.Lapse: payment.Expired, payment.Doubt: payment.Review, payment.Reverse: payment.Reversed, payment.Silence: payment.Unknown},
		payment.Expired:   {payment.Claim: payment.Verifying, payment.Silence: payment.Unknown},
		payment.Verified:  {payment.Hand: payment.Delivering, payment.Park: payment.Parked, payment.Reverse: payment.Reversed},
		payment.Delivering: {payment.Hand: payment.Delivering, payment.Ack: payment.Delivered, payment.Miss: payment.Delivering,
			payment.NotSent: payment.Verified, payment.Park: payment.Parked, payment.Reverse: payment.Reversed},
		payment.Parked:    {payment.Hand: payment.Delivering, payment.Ack: payment.Delivered, payment.Reverse: payment.Reversed},
		payment.Delivered: {payment.Reverse: payment.Reversed},
		payment.Review:    {payment.Accept: payment.Verified, payment.Dismiss: payment.Declined, payment.Reverse: payment.Reversed},
		payment.Reversed:  {},
	}
	triggers := []payment.Trigger{
		payment.Claim, payment.Confirm, payment.Silence, payment.Refuse, payment.Doubt, payment.Lapse, payment.Hand,
		payment.Ack, payment.Miss, payment.NotSent, payment.Park, payment.Reverse, payment.Accept, payment.Dismiss, payment.Witnessed, payment.Void,
	}
	if len(want) != len(payment.States()) {
		t.Fatalf("%d states in the test, %d in the code", len(want), len(payment.States()))
	}
	for _, from := range payment.States() {
		for _, trigger := range triggers {
			t.Run(string(from)+"/"+string(trigger), func(t *testing.T) {
				t.Parallel()
				to, err := payment.Step(from, trigger)
				expected, ok := want[from][trigger]
				if ok && (err != nil || to != expected) {
					t.Errorf("got %q, %v; want %q", to, err, expected)
				}
				if !ok && !errors.Is(err, payment.ErrTransition) {
					t.Errorf("got %q, %v; want ErrTransition", to, err)
				}
			})
		}
	}
}

// Once the money is known to be the shop's, nothing leads back to a state in
// which it is not, but a reversal.
func TestCapturedIsNeverForgotten(t *testing.T) {
	t.Parallel()
	for _, from := range payment.States() {
		if !from.Captured() {
			continue
		}
		for _, trigger := range []payment.Trigger{
			payment.Claim, payment.Confirm, payment.Silence, payment.Refuse, payment.Doubt, payment.Lapse, payment.Hand,
			payment.Ack, payment.Miss, payment.NotSent, payment.Park, payment.Accept, payment.Dismiss, payment.Void,
		} {
			if to, err := payment.Step(from, trigger); err == nil && !to.Captured() {
				t.Errorf("%s leads from %s to %s", trigger, from, to)
			}
		}
	}
}
