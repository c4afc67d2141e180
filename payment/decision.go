package payment

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Decision is what a person may decide about a payment.
type Decision string

// The decisions.
const (
	// DecideAccept credits a payment in review: the order is delivered to the shop.
	DecideAccept Decision = "accept"
	// DecideReject refuses a payment in review. If the shop has its money, the money is
	// owed from then on.
	DecideReject Decision = "reject"
	// DecideCredited: the shop has credited the parked payment, so nothing is delivered.
	DecideCredited Decision = "credited"
	// DecideRedeliver delivers a parked payment again.
	DecideRedeliver Decision = "redeliver"
	// DecideRepaid: the money went back to the payer.
	DecideRepaid Decision = "repaid"
)

// DecisionRule is a row of the table of decisions.
type DecisionRule struct {
	Key Decision
	// From lists the states in which the decision is possible.
	From []State
	// Trigger is the step that the decision takes; for DecideRedeliver it is that of the
	// delivery.
	Trigger Trigger
	// Note says that the decision needs a reason, which is kept with who decided.
	Note bool
	// Final says that the decision can't be undone.
	Final bool
}

// decisions is the whole table. The admin API, the command, the dashboard and the texts
// all use it.
var decisions = []DecisionRule{
	{DecideAccept, []State{Review}, Accept, true, true},
	{DecideReject, []State{Review}, Dismiss, true, false},
	{DecideCredited, []State{Parked}, Ack, true, true},
	{DecideRedeliver, []State{Parked}, Hand, true, true},
	{DecideRepaid, []State{Review, Parked, Verified, Delivering, Delivered, Declined}, Reverse, true, true},
}

// Decisions returns the table of decisions.
func Decisions() []DecisionRule { return slices.Clone(decisions) }

// DecisionNames returns the decisions' keys for messages: "accept, reject, …".
func DecisionNames() string {
	names := make([]string, 0, len(decisions))
	for _, d := range decisions {
		names = append(names, string(d.Key))
	}
	return strings.Join(names, ", ")
}

// RuleOf finds a decision in the table.
func RuleOf(key Decision) (DecisionRule, bool) {
	for _, d := range decisions {
		if d.Key == key {
			return d, true
		}
	}
	return DecisionRule{}, false
}

// MayDecide lists the decisions that are possible for the record now. A declined payment
// can be repaid only while its money is owed.
func (r *Record) MayDecide() []Decision {
	var keys []Decision
	for _, d := range decisions {
		if slices.Contains(d.From, r.State) && (r.State != Declined || r.Owed()) {
			keys = append(keys, d.Key)
		}
	}
	return keys
}

// Owed reports whether a person refused the order while the shop has its money, and nobody
// has noted that the money was repaid.
func (r *Record) Owed() bool { return r.State == Declined && r.Reason == ReasonOwed }

// OwedAmount returns what is owed of a payment: what the provider says that was paid.
func (r *Record) OwedAmount() Rials {
	if rc := r.Receipt; rc != nil && max(rc.Paid, rc.Amount) > 0 {
		return max(rc.Paid, rc.Amount)
	}
	return r.Price()
}

// Dismissed reports whether a person refused the order. The provider is not asked again.
func (r *Record) Dismissed() bool { return r.Reason == ReasonDismissed || r.Reason == ReasonOwed }

// Note is who decided, and why.
type Note struct {
	By   string
	Text string
}

// Decide applies a person's decision. DecideRedeliver changes no state; the delivery that
// follows does.
func (r *Record) Decide(d Decision, n Note, now time.Time) error {
	rule, ok := RuleOf(d)
	if !ok || !slices.Contains(r.MayDecide(), d) {
		return fmt.Errorf("%w: %s while %s", ErrTransition, d, r.State)
	}
	entry := Entry{At: now, Kind: EntryDecided, Code: string(d), By: n.By, Text: n.Text, Was: strings.TrimSpace(string(r.State) + " " + string(r.Reason))}
	switch d {
	case DecideRedeliver:
		r.UpdatedAt = now
	case DecideCredited:
		if err := r.deliver(0, "", now); err != nil {
			return err
		}
	default:
		held := r.holdsMoney()
		if err := r.step(rule.Trigger, now); err != nil {
			return err
		}
		r.Due = time.Time{}
		switch {
		case d == DecideAccept:
			r.Reason, r.Due, r.Attempts.Open = "", now, false
		case d == DecideReject && held:
			r.Reason = ReasonOwed
		case d == DecideReject:
			r.Reason = ReasonDismissed
		}
	}
	r.note(entry)
	return nil
}

// holdsMoney: the record is in review, and by the provider's answer the shop has money for
// which nothing was delivered.
func (r *Record) holdsMoney() bool {
	if r.State != Review || r.Receipt == nil {
		return false
	}
	switch r.Reason {
	case ReasonReceiptUsed, ReasonAfterSilence, ReasonNeverAnswered, ReasonNoAccount, ReasonUnrecognised, ReasonIDDiffers:
		return false
	case ReasonUnannounced:
		return r.Receipt.Again // else it was only found to wait: nobody has settled it
	}
	return true
}
