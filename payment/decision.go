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
	// DecideAccept: a payment in review is credited: the order is handed over.
	DecideAccept Decision = "accept"
	// DecideReject: a payment in review is not credited. Money that is with the shop
	// is owed from then on.
	DecideReject Decision = "reject"
	// DecideCredited: the shop has the parked payment; nothing is handed over.
	DecideCredited Decision = "credited"
	// DecideRedeliver: a parked payment is handed over again.
	DecideRedeliver Decision = "redeliver"
	// DecideRepaid: the money went back to the payer.
	DecideRepaid Decision = "repaid"
)

// DecisionRule is a row of the table of decisions.
type DecisionRule struct {
	Key Decision
	// From are the states in which it may be taken.
	From []State
	// Trigger is the step that it takes; for DecideRedeliver the hand-over's.
	Trigger Trigger
	// Note: it is kept with who and why, and refused without a reason.
	Note bool
	// Final: nothing takes it back.
	Final bool
}

// decisions is the whole table: the admin API, the command, the dashboard and the
// texts go by it.
var decisions = []DecisionRule{
	{DecideAccept, []State{Review}, Accept, true, true},
	{DecideReject, []State{Review}, Dismiss, true, false},
	{DecideCredited, []State{Parked}, Ack, true, true},
	{DecideRedeliver, []State{Parked}, Hand, true, true},
	{DecideRepaid, []State{Review, Parked, Verified, Delivering, Delivered, Declined}, Reverse, true, true},
}

// Decisions is the table of decisions.
func Decisions() []DecisionRule { return slices.Clone(decisions) }

// DecisionNames are the decisions' keys, for messages: "accept, reject, …".
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

// MayDecide lists what may be decided about the record as it stands. A declined
// payment can only be repaid while its money is owed.
func (r *Record) MayDecide() []Decision {
	var keys []Decision
	for _, d := range decisions {
		if slices.Contains(d.From, r.State) && (r.State != Declined || r.Owed()) {
			keys = append(keys, d.Key)
		}
	}
	return keys
}

// Owed: a person refused the order, and its money is with the shop until it is
// noted as repaid.
func (r *Record) Owed() bool { return r.State == Declined && r.Reason == ReasonOwed }

// Dismissed: a person refused the order. It is not asked about again.
func (r *Record) Dismissed() bool { return r.Reason == ReasonDismissed || r.Reason == ReasonOwed }

// Note is who decided, and why.
type Note struct {
	By   string
	Text string
}

// Decide applies a person's decision. DecideRedeliver changes no state: the
// hand-over that follows does.
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

// holdsMoney: in review, and the provider's answer says that it has settled money
// which nothing else was given for.
func (r *Record) holdsMoney() bool {
	if r.State != Review || r.Receipt == nil {
		return false
	}
	switch r.Reason {
	case ReasonReceiptUsed, ReasonAfterSilence, ReasonNeverAnswered, ReasonUnrecognised, ReasonIDDiffers:
		return false
	case ReasonUnannounced:
		return r.Receipt.Again // else it was only found to wait: nobody has settled it
	}
	return true
}
