package payment

import (
	"errors"
	"fmt"
)

// State is where a payment stands. The zero value is no state: a record that
// was never written.
type State string

// The states. Only Delivered, Declined, Expired and Reversed need nobody's
// attention; Review and Parked wait for a person; the rest is work in
// progress, which the worker takes up when no browser does.
const (
	// Created is an intent: made by our checkout, announced by the shop, or
	// admitted but not yet asked for. Nothing has gone to the provider's verify
	// endpoint.
	Created State = "created"
	// Verifying means that a claim is durable and the provider is being asked.
	Verifying State = "verifying"
	// Unknown means that the provider was asked and no answer can be believed.
	// It is never shown or treated as "failed".
	Unknown State = "unknown"
	// Verified means that the receipt is durable and the money is the shop's.
	Verified State = "verified"
	// Delivering means that the shop is being told, or was told and gave no
	// proof yet.
	Delivering State = "delivering"
	// Delivered means that the shop has proved that it credited.
	Delivered State = "delivered"
	// Parked means paid, but a person must look whether the shop has credited.
	Parked State = "parked"
	// Declined means that the provider said "not paid". It is not final: a
	// customer may go back and pay the same invoice.
	Declined State = "declined"
	// Review means that the provider's answer cannot be credited without a
	// person: a mismatch, a receipt used before, an unexplained "already".
	Review State = "review"
	// Expired means that the provider's window closed and the money is not the
	// shop's.
	Expired State = "expired"
	// Reversed means that the money went back to the payer.
	Reversed State = "reversed"
)

// States lists all states in the order of a payment's life.
func States() []State {
	return []State{Created, Verifying, Unknown, Verified, Delivering, Delivered, Parked, Declined, Review, Expired, Reversed}
}

// Captured reports whether the money is known to be the shop's.
func (s State) Captured() bool {
	return s == Verified || s == Delivering || s == Delivered || s == Parked
}

// Trigger is what moves a payment from one state to the next.
type Trigger string

// The triggers.
const (
	// Claim starts an attempt to verify (T1, T4).
	Claim Trigger = "claim"
	// Confirm: the provider's answer proves the payment (T2).
	Confirm Trigger = "confirm"
	// Silence: no answer that can be believed (T3).
	Silence Trigger = "silence"
	// Refuse: the provider says "not paid" (T5).
	Refuse Trigger = "refuse"
	// Doubt: the answer needs a person (T6).
	Doubt Trigger = "doubt"
	// Lapse: the provider says that the window is closed (T7).
	Lapse Trigger = "lapse"
	// Hand starts a delivery to the shop (T8).
	Hand Trigger = "hand"
	// Ack: the shop proved that it credited (T9).
	Ack Trigger = "ack"
	// Miss: no proof came; the same delivery will be repeated (T10, T11a).
	Miss Trigger = "miss"
	// NotSent: provably nothing reached the shop (T10').
	NotSent Trigger = "not_sent"
	// Park leaves a paid payment to a person (T11b).
	Park Trigger = "park"
	// Reverse: the money went back (T12).
	Reverse Trigger = "reverse"
	// Witnessed: the shop has verified by itself, and we only saw it.
	Witnessed Trigger = "witnessed"
	// Accept: a person decided to give the order.
	Accept Trigger = "accept"
	// Dismiss: a person decided not to give the order.
	Dismiss Trigger = "dismiss"
)

// ErrTransition is wrapped by the error of a step that the table does not
// have.
var ErrTransition = errors.New("payment cannot go there from here")

// transitions is the whole machine. Whoever adds a row must be able to say
// which rule of money allows it.
var transitions = map[State]map[Trigger]State{
	Created: {Claim: Verifying, Lapse: Expired, Refuse: Declined,
		Witnessed: Delivered, // its shop verifies beside us: we settle and hand over nothing
	},
	Verifying: {
		Claim:   Verifying, // take-over of a dead lease
		Confirm: Verified, Silence: Unknown, Refuse: Declined, Doubt: Review, Lapse: Expired,
	},
	Unknown: {Claim: Verifying, Doubt: Review, Lapse: Expired},
	Declined: {Claim: Verifying, Lapse: Expired,
		Doubt:   Review,   // an inquiry says of what nothing announced that it is paid: nothing was settled, a person looks
		Reverse: Reversed, // a person refused the order and has paid its money back
	},
	Expired:  {Claim: Verifying}, // a new return that claims paid is always asked
	Verified: {Hand: Delivering, Park: Parked, Reverse: Reversed},
	Delivering: {
		Hand: Delivering, // a repeat, only where the shop dedupes
		Ack:  Delivered, Miss: Delivering, NotSent: Verified, Park: Parked, Reverse: Reversed,
	},
	Parked:    {Hand: Delivering, Ack: Delivered, Reverse: Reversed},
	Delivered: {Reverse: Reversed},
	Review:    {Accept: Verified, Dismiss: Declined, Reverse: Reversed},
	Reversed:  {},
}

// Step returns the state that a trigger leads to, or an error that wraps
// [ErrTransition] where the table has no such row. It is pure.
func Step(from State, t Trigger) (State, error) {
	if to, ok := transitions[from][t]; ok {
		return to, nil
	}
	return "", fmt.Errorf("%w: %s while %s", ErrTransition, t, from)
}
