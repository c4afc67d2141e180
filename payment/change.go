package payment

import (
	"fmt"
	"time"
)

// Each method below takes one step of the table (see [Step]) and changes the fields that
// belong to it. If the table has no such step, it changes nothing and returns an error
// that wraps [ErrTransition]. All are pure; the caller commits.

func (r *Record) step(t Trigger, now time.Time) error {
	to, err := Step(r.State, t)
	if err != nil {
		return err
	}
	if r.was == "" {
		r.was = r.State
	}
	r.State, r.UpdatedAt = to, now
	return nil
}

// StartAttempt claims the record, so that its owner may ask the provider once (T1, T4).
// An earlier attempt that has no outcome yet counts as unknown from now on.
func (r *Record) StartAttempt(now time.Time, lease Lease) error {
	if err := r.step(Claim, now); err != nil {
		return err
	}
	a := &r.Attempts
	if a.Open {
		a.Unknown++
	}
	a.Count++
	if a.First.IsZero() {
		a.First = now
	}
	a.Last, a.Open = now, true
	r.Observed = nil // it is settled here after all
	r.takeLease(lease)
	r.Due = lease.Until
	r.note(Entry{At: now, Kind: EntryAsked})
	return nil
}

// EndAttempt records what the provider's answer means. retry is when the worker looks
// again; zero means never.
func (r *Record) EndAttempt(v Verdict, a Answer, now, retry time.Time) error {
	if err := r.step(v.Trigger, now); err != nil {
		return err
	}
	at := &r.Attempts
	at.Open = false
	switch v.Trigger {
	case Silence:
		// A "come later" (429) counts as unknown: no document says that it is decided
		// before anything is settled, and rule 4 asks for its second half as well.
		if !a.Unsent && a.Outcome != OutcomeAwaiting && a.Outcome != OutcomeOperator {
			at.Unknown++
		}
	case Refuse, Lapse:
		at.Refused++
		at.Unknown = 0 // believed: nothing earlier can have been a "yes"
	}
	r.Reason, r.Due = v.Reason, retry
	if a.Code != "" {
		r.Code = a.Code
	}
	if v.Trigger != Refuse && v.Trigger != Lapse {
		r.keepReceipt(a)
	}
	if v.Trigger == Confirm && a.Receipt != nil {
		r.NameOrder(a.Receipt.Order, true)
	}
	r.Lease.Until = time.Time{}
	entry := Entry{At: now, Kind: answers[v.Trigger], Code: string(v.Reason)}
	if v.Trigger != Confirm {
		entry.Text = a.Code
	}
	r.note(entry)
	return nil
}

var answers = map[Trigger]EntryKind{
	Confirm: EntryConfirmed, Silence: EntrySilent, Refuse: EntryRefused, Doubt: EntryDoubted, Lapse: EntryLapsed,
}

// keepReceipt keeps the receipt of an answer that has one.
func (r *Record) keepReceipt(a Answer) {
	if a.Receipt != nil {
		r.Receipt = copied(a.Receipt)
		r.Receipt.Again = a.Outcome == OutcomeAgain
	}
}

// EndUnasked ends a payment about which the provider was never asked. t is Lapse if
// nobody paid it, or if questions certainly reached nobody; it is Refuse if the payment
// must not be asked about.
func (r *Record) EndUnasked(t Trigger, why Reason, now time.Time) error {
	if r.State != Created && (r.State != Unknown || r.Attempts.Unknown > 0 || r.Attempts.Open) {
		_, err := Step(r.State, "end unasked")
		return err
	}
	if err := r.step(t, now); err != nil {
		return err
	}
	r.Reason, r.Due = why, time.Time{}
	r.note(Entry{At: now, Kind: answers[t], Code: string(why)})
	return nil
}

// Orphan records that nobody can be asked about the payment, because no configured provider
// has the account with which it began. What other accounts say about it means nothing, so it
// is unknown and never refused. retry is when the worker looks again.
func (r *Record) Orphan(now, retry time.Time) error {
	news := r.State != Unknown || r.Reason != ReasonNoAccount
	if r.State != Unknown {
		if err := r.step(Silence, now); err != nil {
			return err
		}
	}
	r.Reason, r.Due, r.UpdatedAt = ReasonNoAccount, retry, now
	r.Lease.Until = time.Time{}
	if news {
		r.note(Entry{At: now, Kind: EntrySilent, Code: string(ReasonNoAccount)})
	}
	return nil
}

// OrphanReview leaves such a payment to a person, who finds it in the provider's panel.
func (r *Record) OrphanReview(now time.Time) error {
	if r.Reason != ReasonNoAccount {
		return fmt.Errorf("%w: a configured account can be asked", ErrTransition)
	}
	if err := r.step(Doubt, now); err != nil {
		return err
	}
	r.Due = time.Time{}
	r.note(Entry{At: now, Kind: EntryDoubted, Code: string(ReasonNoAccount)})
	return nil
}

// Found puts a payment into review that nothing announced and that an inquiry calls paid.
// Nothing was settled, and only a person can tell whose payment it is.
func (r *Record) Found(a Answer, now time.Time) error {
	if r.Attempts.Count > 0 || r.Expect.Known() {
		return fmt.Errorf("%w: it was announced, or asked for", ErrTransition)
	}
	if err := r.step(Doubt, now); err != nil {
		return err
	}
	r.Reason, r.Code, r.Expect.Source = ReasonUnannounced, a.Code, FromNone
	if a.Outcome == OutcomeAwaiting {
		r.Attempts.Awaiting = now
	}
	r.keepReceipt(a)
	r.note(Entry{At: now, Kind: EntryDoubted, Code: string(r.Reason), Text: a.Code})
	return nil
}

// StartDelivery begins to deliver the payment to the shop (T8).
func (r *Record) StartDelivery(via Via, browser string, now time.Time, lease Lease) error {
	if r.OpenRefund() >= 0 || r.State == Verified && r.Relay.wantedBack() {
		return fmt.Errorf("%w: its money may be on the way back", ErrTransition)
	}
	if err := r.step(Hand, now); err != nil {
		return err
	}
	d := &r.Delivery
	d.Count++
	d.Via = via
	if d.First.IsZero() {
		d.First = now
	}
	if d.Browser == "" {
		d.Browser = browser
	}
	d.Last = now
	r.Reason = ""
	r.takeLease(lease)
	r.Due = lease.Until
	entry := Entry{At: now, Kind: EntryHanded}
	if via == ViaWorker {
		entry.Code = string(via)
	}
	r.note(entry)
	return nil
}

// Deliver records that the shop has proved that it credited the order (T9). The stored
// return is dropped, because nothing needs it any more.
func (r *Record) Deliver(status int, location string, now time.Time) error {
	if err := r.deliver(status, location, now); err != nil {
		return err
	}
	r.note(Entry{At: now, Kind: EntryCredited})
	return nil
}

// deliver ends the delivery. From now on the sale may be reported (rule 11).
func (r *Record) deliver(status int, location string, now time.Time) error {
	if err := r.step(Ack, now); err != nil {
		return err
	}
	r.Delivery.Status, r.Delivery.Location = status, location
	r.Reason, r.Return = "", nil
	r.Lease.Until, r.Due = time.Time{}, time.Time{}
	if p := r.Sale(); p != nil && p.State == OpenReport {
		p.Next = now
	}
	return nil
}

// MissDelivery records that the shop gave no proof, and that the delivery is repeated at
// retry (T10). Only for shops that ignore repeats.
func (r *Record) MissDelivery(why Reason, now, retry time.Time) error {
	return r.endDelivery(Miss, why, now, retry)
}

// UndoDelivery records that certainly nothing reached the shop (T10').
func (r *Record) UndoDelivery(why Reason, now, retry time.Time) error {
	return r.endDelivery(NotSent, why, now, retry)
}

// ParkDelivery leaves the payment for a person to decide (T11b).
func (r *Record) ParkDelivery(why Reason, now time.Time) error {
	return r.endDelivery(Park, why, now, time.Time{})
}

func (r *Record) endDelivery(t Trigger, why Reason, now, retry time.Time) error {
	if err := r.step(t, now); err != nil {
		return err
	}
	r.Reason, r.Due = why, retry
	r.Lease.Until = time.Time{}
	r.note(Entry{At: now, Kind: missed[t], Code: string(why)})
	return nil
}

var missed = map[Trigger]EntryKind{Miss: EntryMissed, NotSent: EntryUnsent, Park: EntryParked}

// Bind takes a payment out of review that was held only because its return named another
// order. Now a return has come that names its own. retry is when the worker delivers it
// if no browser does.
func (r *Record) Bind(now, retry time.Time) error {
	if r.Reason != ReasonBinding {
		return fmt.Errorf("%w: it is not held for what its return named", ErrTransition)
	}
	if err := r.step(Accept, now); err != nil {
		return err
	}
	r.Reason, r.Due, r.Code = "", retry, ""
	r.Expect.Unbound, r.Attempts.Open = false, false
	r.note(Entry{At: now, Kind: EntryBound})
	return nil
}

func (r *Record) takeLease(l Lease) {
	l.Epoch = r.Lease.Epoch + 1
	r.Lease = l
}

// Keys returns the uniqueness keys that a verified record must hold (rule 5). many says
// that an order may be paid more than once.
func (r *Record) Keys(many bool) []Key {
	keys := []Key{ReceiptKey(r.Issuer, r.ID)}
	if r.Receipt != nil && r.Receipt.Number != "" {
		keys = append(keys, NumberKey(r.Issuer, r.Receipt.Number))
	}
	if !many && r.OrderKnown() {
		keys = append(keys, OrderKey(r.Site, r.Environment, r.Order))
	}
	return keys
}

// AmountChecked returns the value of X-Payment-Amount-Checked: how the price was checked.
func (r *Record) AmountChecked() string {
	switch {
	case r.Expect.Source == FromNone || !r.Expect.Known() || r.HandedAmount() < r.Expect.Amount:
		return "no"
	case r.Receipt != nil && r.Receipt.Amount == 0:
		return "sent"
	}
	return string(r.Expect.Source)
}

// Price returns the price in rials: the expected amount or, if nothing was expected, the
// provider's.
func (r *Record) Price() Rials {
	if r.Expect.Amount != 0 || r.Receipt == nil {
		return r.Expect.Amount
	}
	return r.Receipt.Amount
}

// HandedAmount returns the amount in rials that a delivery names. It is the price or, if
// a person accepted an order for which less was paid, the provider's amount. No delivery
// names more than was verified.
func (r *Record) HandedAmount() Rials {
	a := r.Price()
	if r.Receipt == nil {
		return a
	}
	for _, said := range []Rials{r.Receipt.Amount, r.Receipt.Paid} {
		if said > 0 {
			a = min(a, said)
		}
	}
	return a
}
