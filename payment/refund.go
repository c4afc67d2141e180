package payment

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Refunder is a provider that can give back a payment, whole or in part, also long after
// it was made.
type Refunder interface {
	// RefundTerms says what the document promises. ok is false if this configuration
	// can't do it. The result is constant for the life of the value.
	RefundTerms() (t GiveBackTerms, ok bool)
	// Refund gives the money back. The caller has made its marker durable before. It calls
	// again only if certainly nothing was given back.
	Refund(ctx context.Context, q GiveBack) GivenBack
}

// Reverser is a provider that can undo a whole payment for a while after it was verified.
type Reverser interface {
	// ReverseTerms is like RefundTerms of [Refunder].
	ReverseTerms() (t GiveBackTerms, ok bool)
	// Reverse undoes the payment. The rules for Refund apply to it, too.
	Reverse(ctx context.Context, q GiveBack) GivenBack
}

// GiveBackTerms is what a document says about giving money back.
type GiveBackTerms struct {
	// Within is how long after verify it is possible. Zero means that the document names
	// no end.
	Within time.Duration
	// Partial says whether a part can be given back. Least is the least amount in rials,
	// and every amount is a multiple of Step rials.
	Partial     bool
	Least, Step Rials
}

// CheckAmount returns nil if an amount of a payment with the given price can be given back,
// else an error that says why not.
func (t GiveBackTerms) CheckAmount(amount, price Rials) error {
	switch {
	case amount <= 0 || amount > price:
		return fmt.Errorf("the amount must be more than 0 and at most %s rials", price)
	case amount != price && !t.Partial:
		return fmt.Errorf("this gateway gives back the whole payment only, %s rials", price)
	case amount < t.Least:
		return fmt.Errorf("%s rials is less than the least amount that this gateway gives back, %s rials", amount, t.Least)
	case t.Step > 1 && amount%t.Step != 0:
		return fmt.Errorf("%s rials is not a multiple of %s rials", amount, t.Step)
	}
	return nil
}

// GiveBack is the input of Refund and Reverse. It is made from the record.
type GiveBack struct {
	// ID is the provider's id. Number is its receipt number, if the receipt has one.
	ID, Number string
	// Amount is how much to give back, and Price the amount with which the payment was
	// verified, in rials.
	Amount, Price Rials
	// Key is unique for this attempt, for gateways that need one: at most 36 letters,
	// digits and '-'.
	Key string
}

// GiveBackOutcome is what an answer to a refund or a reversal means.
type GiveBackOutcome string

// The outcomes. The zero value is unknown, so that nothing is assumed.
const (
	// GiveBackUnknown: a time-out, a reset, a 5xx, HTML, a success in a form that we
	// don't know. The money may have gone back.
	GiveBackUnknown GiveBackOutcome = ""
	// GiveBackDone: the money is on its way to the payer.
	GiveBackDone GiveBackOutcome = "done"
	// GiveBackRefused: certainly nothing was given back.
	GiveBackRefused GiveBackOutcome = "refused"
	// GiveBackOperator: nothing was given back, and the owner can fix the cause: key,
	// address, balance.
	GiveBackOperator GiveBackOutcome = "operator"
	// GiveBackBusy: nothing was given back; try again later.
	GiveBackBusy GiveBackOutcome = "busy"
)

// GivenBack is a provider's answer to a refund or a reversal, read.
type GivenBack struct {
	Outcome GiveBackOutcome
	// Code is like that of [Answer]. Number is the gateway's number of the refund.
	Code, Number string
	// Unsent says that certainly no byte of the request reached the provider. Then nothing
	// was given back, whatever Outcome is.
	Unsent bool
	// Err says what went wrong, without secrets and without text of the provider.
	Err error
}

// RefundKind says how money is given back.
type RefundKind string

// The kinds.
const (
	KindRefund  RefundKind = "refund"
	KindReverse RefundKind = "reverse"
)

// RefundState says how far an attempt to give money back has come.
type RefundState string

// The states.
const (
	// RefundAsking: the marker is durable, and the provider is being asked. After
	// [RefundAsked] it becomes unknown.
	RefundAsking RefundState = "asking"
	// RefundUnknown: the provider was asked, and gave no answer that can be believed.
	RefundUnknown RefundState = "unknown"
	// RefundDone and RefundRefused are final.
	RefundDone    RefundState = "done"
	RefundRefused RefundState = "refused"
)

// Refund is one attempt to give money back. Attempts are only appended to a record.
type Refund struct {
	Kind  RefundKind  `json:"k"`
	State RefundState `json:"s"`
	// Amount in rials.
	Amount Rials  `json:"a"`
	Key    string `json:"id,omitempty"`
	// By and Note are who asked for it, and why.
	By   string `json:"b,omitempty"`
	Note string `json:"x,omitempty"`
	// Code is the provider's code, Number its number of the refund.
	Code   string `json:"c,omitempty"`
	Number string `json:"n,omitempty"`
	// Began is when the marker was written, Ended when the outcome was known.
	Began time.Time `json:"t"`
	Ended time.Time `json:"e,omitzero"`
	// SettledBy and Settled say who found out how an unknown one ended, and how.
	SettledBy string `json:"sb,omitempty"`
	Settled   string `json:"sn,omitempty"`
	// Wished is when the shop had asked before, by a call whose end nobody knew: that this
	// attempt was refused says nothing of that one.
	Wished time.Time `json:"w,omitzero"`
}

// Open reports whether the money may have gone back or may still go.
func (f Refund) Open() bool { return f.State == RefundAsking || f.State == RefundUnknown }

// MaxRefunds is how many attempts one payment may have.
const MaxRefunds = 32

// Repayable returns how much of the payment can still be given back, in rials, or an error
// that says why nothing can. Unknown attempts count as given back. A payment that is
// being delivered can't be given back.
func (r *Record) Repayable() (Rials, error) {
	switch {
	case r.State == Delivered, r.State == Parked, r.Owed():
	case r.State == Verified, r.State == Delivering:
		return 0, fmt.Errorf("%w: the shop is being told of it: wait until it is delivered or parked", ErrTransition)
	case r.State == Reversed:
		return 0, fmt.Errorf("%w: it went back already", ErrTransition)
	default:
		return 0, fmt.Errorf("%w: nothing can be given back while it is %s", ErrTransition, r.State)
	}
	if r.Receipt == nil {
		return 0, fmt.Errorf("%w: there is no receipt", ErrTransition)
	}
	left := r.repayPrice()
	for _, f := range r.Refunds {
		if f.Open() || f.State == RefundDone {
			left -= f.Amount
		}
	}
	return max(left, 0), nil
}

// repayPrice returns the amount with which the payment was verified, without a payer's fee.
func (r *Record) repayPrice() Rials {
	if r.Receipt != nil && r.Receipt.Amount > 0 {
		return r.Receipt.Amount
	}
	return r.Price()
}

// Repaid returns how much has certainly been given back, in rials.
func (r *Record) Repaid() Rials {
	var sum Rials
	for _, f := range r.Refunds {
		if f.State == RefundDone {
			sum += f.Amount
		}
	}
	return sum
}

// RefundAsked is how long an attempt may be asking: longer than any call lasts. After that
// its process has ended before it had an answer, so the end is unknown.
const RefundAsked = 3 * time.Minute

// RefundDue is when the worker must look at an attempt that is asking; zero means never.
func (r *Record) RefundDue() time.Time {
	if i := r.OpenRefund(); i >= 0 && r.Refunds[i].State == RefundAsking {
		return r.Refunds[i].Began.Add(RefundAsked)
	}
	return time.Time{}
}

// RefundUnknown reports whether a person must find out how an attempt ended.
func (r *Record) RefundUnknown() bool {
	return r.refundWaits() && r.Refunds[r.OpenRefund()].State == RefundUnknown
}

// refundWaits reports whether it matters how an attempt ended: the money may be back or not.
func (r *Record) refundWaits() bool { return r.State != Reversed && r.OpenRefund() >= 0 }

// LoseRefund records that the attempt which is asking has lost its process. Its answer may
// still come, see [Record.EndRefund].
func (r *Record) LoseRefund(now time.Time) error {
	if r.RefundDue().IsZero() {
		return fmt.Errorf("%w: no refund is being asked for", ErrTransition)
	}
	r.Refunds[r.OpenRefund()].State = RefundUnknown
	r.UpdatedAt = now
	r.noteBack(RefundUnknown, "", "", now)
	return nil
}

// OpenRefund returns the index of the attempt whose outcome isn't known, -1 without one.
func (r *Record) OpenRefund() int { return slices.IndexFunc(r.Refunds, Refund.Open) }

// BeginRefund writes the marker, which must be durable before the provider is asked.
//
// Invariant: a payment has at most one attempt whose outcome isn't known, and what was or
// may have been given back is never more than its price.
func (r *Record) BeginRefund(f Refund, t GiveBackTerms, now time.Time) error {
	left, err := r.Repayable()
	if err != nil {
		return err
	}
	if i := r.OpenRefund(); i >= 0 {
		return fmt.Errorf("%w: what became of the %s of %s rials is not known yet", ErrTransition, r.Refunds[i].Kind, r.Refunds[i].Amount)
	}
	if len(r.Refunds) >= MaxRefunds {
		return fmt.Errorf("%w: it was tried %d times", ErrTransition, MaxRefunds)
	}
	if f.Amount > left {
		return fmt.Errorf("%w: at most %s rials can still be given back", ErrTransition, left)
	}
	if err := t.CheckAmount(f.Amount, r.repayPrice()); err != nil {
		return fmt.Errorf("%w: %w", ErrTransition, err)
	}
	f.State, f.Began = RefundAsking, now
	r.Refunds = append(r.Refunds, f)
	r.UpdatedAt = now
	r.note(Entry{At: now, Kind: EntryGivingBack, Code: f.Amount.String(), By: f.By, Text: f.Note})
	return nil
}

// EndRefund records what the provider's answer means. A payment that was given back whole
// becomes reversed.
//
// Invariant: money that the provider says it gave back is on record, also if a person had
// noted meanwhile that it was not: then contradicted is true, and somebody must be told.
func (r *Record) EndRefund(key string, a GivenBack, now time.Time) (contradicted bool, err error) {
	i := slices.IndexFunc(r.Refunds, func(f Refund) bool { return f.Key == key })
	if i < 0 {
		return false, fmt.Errorf("%w: there is no such attempt", ErrTransition)
	}
	f := &r.Refunds[i]
	if !f.Open() {
		given := a.Outcome == GiveBackDone && !a.Unsent
		if contradicted = given && f.State == RefundRefused && f.SettledBy != ""; !contradicted {
			return false, fmt.Errorf("%w: this attempt has ended already", ErrTransition)
		}
	}
	f.Code, f.Number, f.Ended = a.Code, a.Number, now
	r.UpdatedAt = now
	switch {
	case a.Unsent:
		f.State = RefundRefused
	case a.Outcome == GiveBackDone:
		f.State = RefundDone
	case a.Outcome == GiveBackUnknown:
		f.State, f.Ended = RefundUnknown, time.Time{}
	default:
		f.State = RefundRefused
	}
	r.noteBack(f.State, a.Code, "", now)
	r.endWish(f)
	return contradicted, r.wholeBack(now)
}

// noteBack puts the outcome of an attempt into the history.
func (r *Record) noteBack(s RefundState, text, by string, now time.Time) {
	e := Entry{At: now, Kind: EntryBackUnknown, By: by, Text: text}
	switch s {
	case RefundDone:
		e.Kind = EntryGivenBack
	case RefundRefused:
		e.Kind = EntryKept
	case RefundAsking, RefundUnknown:
	}
	r.note(e)
}

// SettleRefund records what a person found out about an attempt whose outcome wasn't known.
// It waits for an attempt that may still have its answer.
func (r *Record) SettleRefund(done bool, n Refund, now time.Time) error {
	i := r.OpenRefund()
	if i < 0 {
		return fmt.Errorf("%w: there is no refund whose end is not known", ErrTransition)
	}
	if until := r.RefundDue(); now.Before(until) {
		return fmt.Errorf("%w: the gateway is being asked, and may answer until %s", ErrTransition, until.UTC().Format(time.RFC3339))
	}
	f := &r.Refunds[i]
	if f.State = RefundRefused; done {
		f.State = RefundDone
	}
	f.Ended, f.SettledBy, f.Settled = now, n.By, n.Note
	r.UpdatedAt = now
	r.noteBack(f.State, n.Note, n.By, now)
	r.endWish(f)
	return r.wholeBack(now)
}

func (r *Record) wholeBack(now time.Time) error {
	if r.State == Reversed || r.Repaid() < r.repayPrice() {
		return nil
	}
	if err := r.step(Reverse, now); err != nil {
		return err
	}
	r.Due = time.Time{}
	return nil
}
