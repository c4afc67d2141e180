package payment

import (
	"context"
	"errors"
	"time"
)

// Bookkeeper is a [Provider] that has a list of its payments, to compare the ledger
// with. It only reads.
type Bookkeeper interface {
	// Book calls f for each payment that was paid from one time to before another, in
	// any order, and also for what went back since. An error of f ends it. It returns
	// [ErrNoBook] where the configuration lacks what the list needs.
	Book(ctx context.Context, from, to time.Time, f func(Booked) error) error
}

// ErrNoBook is wrapped where a provider's list can't be asked with this configuration; the
// text says what to write.
var ErrNoBook = errors.New("this provider's list of payments can't be asked")

// BookedState is what a provider's list says of a payment's money.
type BookedState string

// The states.
const (
	// BookedPaid: paid, verified, the shop's.
	BookedPaid BookedState = "paid"
	// BookedAwaiting: paid, and nobody has verified it.
	BookedAwaiting BookedState = "awaiting"
	// BookedReturned: it was paid, and the money went back.
	BookedReturned BookedState = "returned"
	// BookedUnpaid: nothing was paid.
	BookedUnpaid BookedState = "unpaid"
)

// Booked is one line of a provider's list. What the list doesn't say is zero.
type Booked struct {
	// ID is the provider's id, Order the shop's, Number the receipt's, Reference the
	// bank's.
	ID        string `json:"id,omitempty"`
	Order     string `json:"order,omitempty"`
	Number    string `json:"number,omitempty"`
	Reference string `json:"reference,omitempty"`
	// Amount is the price, in rials.
	Amount Rials       `json:"amount_rials,omitempty"`
	State  BookedState `json:"state"`
	// At is when it was paid, UTC.
	At time.Time `json:"at,omitzero"`
	// Line is the line of the file that it stands in; 0 of a provider's answer.
	Line int `json:"line,omitempty"`
}
