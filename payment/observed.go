package payment

import (
	"fmt"
	"time"
)

// Observed is what is remembered of a payment whose shop starts and verifies it by
// itself, beside us: we only see how it answers its customer's return, and what the
// provider says to an inquiry. It is nil for all others.
//
// Its invariant: nothing is ever settled for such a payment. It leaves Created by
// [Record.Witness] alone, or because nobody paid it.
type Observed struct {
	// At is when the customer's return was last seen; zero before.
	At time.Time `json:"t,omitzero"`
	// Page is how the shop answered that return.
	Page ShopPage `json:"pg,omitempty"`
	// Asks is how often the provider was asked about it.
	Asks int `json:"a,omitempty"`
	// ReplayedAt and Misses are those of [Relayed].
	ReplayedAt time.Time `json:"rp,omitzero"`
	Misses     int       `json:"rm,omitempty"`
}

// Observe makes a record one of a payment that is only observed. It is false for a
// record that belongs to somebody who settles or tells.
func (r *Record) Observe() bool {
	if r.Observed != nil {
		return true
	}
	if r.State != Created || r.Relay != nil || r.Route != "" || r.Attempts.Count > 0 || r.Expect.Checkout {
		return false
	}
	r.Observed = new(Observed)
	return true
}

// Witness records that the shop has verified the payment by itself: by what it
// answered its customer, or by an inquiry whose receipt is rc. Nobody settled anything
// here, and nobody is handed anything.
func (r *Record) Witness(rc *Receipt, now time.Time) error {
	if r.Observed == nil {
		return fmt.Errorf("%w: it is not observed", ErrTransition)
	}
	if err := r.step(Witnessed, now); err != nil {
		return err
	}
	if rc != nil {
		r.Receipt = copied(rc)
	}
	if !r.Expect.Known() {
		r.Expect.Source = FromNone
	}
	r.Delivery = Delivery{Count: 1, Via: ViaObserved, First: now, Last: now}
	r.Reason, r.Code, r.Return, r.Due = "", "", nil, time.Time{}
	if p := r.Sale(); p != nil && p.State == OpenReport {
		p.Next = now
	}
	r.note(Entry{At: now, Kind: EntryCredited, Code: string(ViaObserved)})
	return nil
}
