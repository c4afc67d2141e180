package payment

import (
	"fmt"
	"time"
)

// ByShop is who asks in [Refund.By] for a call of the shop's own that came through the relay.
const ByShop = "shop"

// Wish is a shop's own call that gives money back, as it is on record before it is
// forwarded.
type Wish struct {
	// Key names the attempt in [Record.Refunds]; empty if the record holds no receipt, so
	// that there is no amount to give back.
	Key string
	// Early: certainly nothing was settled when the shop asked.
	Early bool
	// at is when it was noted, before when an earlier wish was whose end isn't known.
	at, before time.Time
}

// WantBack records that the shop asks for the whole payment to be sent back, by a call that is
// under way as long as the lease lives. It must be durable before the call is forwarded, and the
// lease of an earlier call must have ended.
//
// Invariants: from then on the worker repeats no return of the shop's. At most one such call is
// under way, and while it is, nobody is told that the payment was paid. A payment whose
// receipt is known gets an attempt like one of ours, so at most one is open and somebody
// must say how a lost one ended. One that certainly wasn't settled keeps the verifies that are
// asked after the call has ended: what they settle came after it, so the money isn't back.
func (r *Record) WantBack(kind RefundKind, key string, now time.Time, lease Lease) (Wish, error) {
	if r.Relay == nil {
		r.Relay = new(Relayed)
	}
	l := r.Relay
	if i := r.OpenRefund(); i >= 0 {
		return Wish{}, fmt.Errorf("%w: what became of the %s of %s rials is not known yet", ErrTransition, r.Refunds[i].Kind, r.Refunds[i].Amount)
	}
	before := time.Time{}
	if !l.BackEarly {
		before = l.GivingBack
	}
	w := Wish{Early: r.unsettled() && (l.GivingBack.IsZero() || l.BackEarly), at: now, before: l.GivingBack}
	l.GivingBack, l.BackEarly, l.Back = now, w.Early, lease
	r.UpdatedAt = now
	_, err := Step(r.State, Reverse)
	left := r.repayPrice() - r.Repaid()
	if err != nil || r.Receipt == nil || left <= 0 {
		return w, nil
	}
	if len(r.Refunds) >= MaxRefunds {
		return Wish{}, fmt.Errorf("%w: it was tried %d times", ErrTransition, MaxRefunds)
	}
	w.Key = key
	f := Refund{Kind: kind, Amount: left, Key: key, By: ByShop, State: RefundAsking, Began: now, Wished: before}
	r.Refunds = append(r.Refunds, f)
	r.note(Entry{At: now, Kind: EntryGivingBack, Code: f.Amount.String(), By: f.By})
	return w, nil
}

// unsettled: certainly no attempt can have settled the payment.
func (r *Record) unsettled() bool {
	if r.Attempts.Open || r.Attempts.Unknown > 0 || r.Dismissed() {
		return false
	}
	return r.State == Created || r.State == Declined || r.State == Expired || r.State == Unknown
}

// EndWish records that the call of a wish has ended, and how. Of a payment that was settled
// meanwhile the money may be back unless the call was certainly refused.
func (r *Record) EndWish(w Wish, o Outcome, now time.Time) {
	l := r.Relay
	if !l.GivingBack.Equal(w.at) {
		return // a later call is under way, or a person has decided
	}
	l.Back = Lease{}
	switch {
	case w.Key != "":
		// the attempt says it
	case o == OutcomeRefused:
		if l.GivingBack = w.before; w.Early {
			l.GivingBack = time.Time{}
		}
		l.BackEarly = false
	case o == OutcomePaid || !r.unsettled():
		l.GivingBack, l.BackEarly = now, false
	}
}

// endWish takes back the wish of an attempt that was refused. A gateway refuses also what an
// earlier call has given back, so an earlier wish stays until a person has looked.
func (r *Record) endWish(f *Refund) {
	if f.By != ByShop || f.State != RefundRefused || r.Relay == nil {
		return
	}
	r.Relay.GivingBack, r.Relay.BackEarly = f.Wished, false
	if f.SettledBy != "" {
		r.Relay.GivingBack = time.Time{}
	}
}

// SettledSince records that a verify has settled the payment which was asked at that time.
// What the shop asked for before, and what had ended by then, has given nothing back. What was
// under way beside the verify may have come after it, so that the money may be back.
func (r *Record) SettledSince(asked time.Time) {
	l := r.Relay
	if l == nil || l.GivingBack.IsZero() || !asked.After(l.GivingBack) || r.OpenRefund() >= 0 {
		return
	}
	l.BackEarly = true
}

// BackPending reports whether the payment's money may be on its way back, so that nobody is
// told that it was paid.
func (r *Record) BackPending() bool {
	return r.OpenRefund() >= 0 || r.Relay.wantedBack()
}
