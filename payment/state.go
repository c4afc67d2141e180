package payment

import (
	"errors"
	"fmt"
)

// State is the state of a payment. The zero value is no state; it belongs to a record that
// was never written.
type State string

// The states. Delivered, Declined, Expired and Reversed need nobody's attention. Review and
// Parked wait for a person. In all other states work is in progress, and the worker does
// it if no browser does.
const (
	// Created is an intent: our checkout made it, the shop announced it, or a return was
	// admitted and the provider not asked yet. Nothing was sent to the provider's verify
	// endpoint.
	Created State = "created"
	// Verifying means that a claim is durable and the provider is being asked.
	Verifying State = "verifying"
	// Unknown means that the provider was asked and gave no answer that can be believed.
	// It is never shown or treated as "failed".
	Unknown State = "unknown"
	// Verified means that the receipt is durable and the money is the shop's.
	Verified State = "verified"
	// Delivering means that the shop is being told, or was told and has given no proof
	// yet.
	Delivering State = "delivering"
	// Delivered means that the shop has proved that it credited the order.
	Delivered State = "delivered"
	// Parked means that it is paid, and that a person must find out whether the shop has
	// credited the order.
	Parked State = "parked"
	// Declined means that the provider said "not paid". It is not final, because a
	// customer may go back and pay the same invoice.
	Declined State = "declined"
	// Review means that the provider's answer can't be credited without a person: it
	// doesn't match, the receipt was used before, or nothing explains "already verified".
	Review State = "review"
	// Expired means that the provider's window closed and the shop does not have the
	// money.
	Expired State = "expired"
	// Reversed means that the money went back to the payer.
	Reversed State = "reversed"
)

// States lists all states in the order of a payment's life.
func States() []State {
	return []State{Created, Verifying, Unknown, Verified, Delivering, Delivered, Parked, Declined, Review, Expired, Reversed}
}

// Captured reports whether the shop certainly has the money.
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
	// Silence: there was no answer that can be believed (T3).
	Silence Trigger = "silence"
	// Refuse: the provider says "not paid" (T5).
	Refuse Trigger = "refuse"
	// Doubt: the answer needs a person (T6).
	Doubt Trigger = "doubt"
	// Lapse: the provider says that the window is closed (T7).
	Lapse Trigger = "lapse"
	// Void: the provider refused the shop's own call for the amount in it, which says nothing
	// about the payment.
	Void Trigger = "void"
	// Hand starts a delivery to the shop (T8).
	Hand Trigger = "hand"
	// Ack: the shop proved that it credited (T9).
	Ack Trigger = "ack"
	// Miss: the shop gave no proof; the same delivery is repeated (T10, T11a).
	Miss Trigger = "miss"
	// NotSent: certainly nothing reached the shop (T10').
	NotSent Trigger = "not_sent"
	// Park leaves a paid payment for a person to decide (T11b).
	Park Trigger = "park"
	// Reverse: the money went back (T12).
	Reverse Trigger = "reverse"
	// Witnessed: the shop verified it by itself, and we saw that.
	Witnessed Trigger = "witnessed"
	// Accept: a person decided to credit the order.
	Accept Trigger = "accept"
	// Dismiss: a person decided not to credit the order.
	Dismiss Trigger = "dismiss"
)

// ErrTransition is wrapped by the error about a step that the table does not have.
var ErrTransition = errors.New("a payment in this state can't do that")

// transitions is the whole machine. If you add a row, name the rule of money that allows
// it.
var transitions = map[State]map[Trigger]State{
	Created: {Claim: Verifying, Lapse: Expired, Refuse: Declined,
		Silence:   Unknown,   // claimed, and no configured account can be asked (rule 3)
		Witnessed: Delivered, // its shop verifies beside us: we settle and hand over nothing
	},
	Verifying: {
		Claim:   Verifying, // take-over of a dead lease
		Confirm: Verified, Silence: Unknown, Refuse: Declined, Doubt: Review, Lapse: Expired,
		Void: Created, // the shop's own call was refused for what it said: nothing was settled (rule 10)
	},
	Unknown: {Claim: Verifying, Doubt: Review, Lapse: Expired},
	Declined: {Claim: Verifying, Lapse: Expired,
		Silence: Unknown,  // claimed again, and no configured account can be asked (rule 3)
		Doubt:   Review,   // an inquiry says of what nothing announced that it is paid: nothing was settled, a person looks
		Reverse: Reversed, // a person refused the order and has paid its money back
	},
	Expired: {Claim: Verifying, // a new return that claims paid is always asked
		Silence: Unknown, // …and no configured account can be asked (rule 3)
	},
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

// Step returns the state to which a trigger leads, or an error that wraps [ErrTransition]
// if the table has no such row. It is pure.
func Step(from State, t Trigger) (State, error) {
	if to, ok := transitions[from][t]; ok {
		return to, nil
	}
	return "", fmt.Errorf("%w: %s while %s", ErrTransition, t, from)
}
