package payment

import (
	"cmp"
	"time"
)

// A provider's time of verification may lie this far before our first marker and still be
// ours: with clocks compared by the provider's Date header, and without one.
const (
	skewCorrected = 10 * time.Second
	skewBlind     = 120 * time.Second
)

// lostClock is how wrong a provider's clock may have been around the moment in which a
// ledger was lost or restored. Within that time no time of verification proves anything.
const lostClock = 30 * time.Minute

// Verdict is what an answer means for a record.
type Verdict struct {
	Trigger Trigger
	Reason  Reason
	// Inquire asks the engine to make an inquiry before it commits the verdict. It is set
	// only if the provider supports inquiries.
	Inquire bool
}

// Facts is what [Decide] knows besides the record and the answer.
type Facts struct {
	Terms      Terms
	Generation Generation
	// UsedIDsKnown says that the ledger knows which of the provider's ids were used
	// before the ledger began (`used_ids`).
	UsedIDsKnown bool
	// Inquiry says that the answer is to Inquire, not to Verify.
	Inquiry bool
	// Now is when the answer arrived, by the clock with which Offset was measured.
	Now time.Time
	// CanInquire says that the provider can be asked without settling the payment.
	CanInquire bool
}

// Decide says what a provider's answer means for a record whose attempt is open (rules 3,
// 4 and 10). It is pure. Uniqueness (rule 5) is checked by the store, in the commit of
// the verdict.
func Decide(r *Record, a Answer, f Facts) Verdict {
	switch a.Outcome {
	case OutcomePaid:
		if f.Inquiry {
			return Verdict{Trigger: Silence, Reason: ReasonUnrecognised}
		}
		if why, ok := matches(r, a.Receipt, f.Terms); !ok {
			return Verdict{Trigger: Doubt, Reason: why}
		}
		if !f.Terms.TellsFirst && !unconsumed(r, f) {
			return Verdict{Trigger: Doubt, Reason: ReasonOldGeneration}
		}
		return confirm(r)
	case OutcomeAgain:
		terms := f.Terms
		if f.Inquiry {
			terms.SendsAmount = false // an inquiry is told no amount: only verify is
		}
		if why, ok := matches(r, a.Receipt, terms); !ok {
			return Verdict{Trigger: Doubt, Reason: why}
		}
		if !explained(r, a, f) {
			return Verdict{Trigger: Doubt, Reason: ReasonUnexplained}
		}
		return confirm(r)
	case OutcomeRefused, OutcomeClosed:
		return refuse(r, a, f)
	case OutcomeOpen:
		// Only an inquiry says so: not paid yet, and nothing was settled.
		return Verdict{Trigger: Refuse, Reason: ReasonNotPaid}
	case OutcomeAwaiting:
		return Verdict{Trigger: Silence, Reason: ReasonWaiting}
	case OutcomeDoubt:
		return Verdict{Trigger: Doubt, Reason: cmp.Or(a.Reason, ReasonUnrecognised)}
	case OutcomeOperator:
		return Verdict{Trigger: Silence, Reason: ReasonOperator}
	case OutcomeBusy:
		return Verdict{Trigger: Silence, Reason: cmp.Or(a.Reason, ReasonBusy)}
	case OutcomeUnknown:
	}
	return Verdict{Trigger: Silence, Reason: cmp.Or(a.Reason, ReasonNoAnswer)}
}

func confirm(r *Record) Verdict {
	if r.Expect.Late {
		return Verdict{Trigger: Doubt, Reason: ReasonLate}
	}
	if r.Expect.Unbound {
		return Verdict{Trigger: Doubt, Reason: ReasonBinding}
	}
	return Verdict{Trigger: Confirm}
}

// refuse believes a "no" at once if no earlier attempt can have been a "yes". After an
// attempt without an answer it believes only an inquiry.
func refuse(r *Record, a Answer, f Facts) Verdict {
	v := Verdict{Trigger: Refuse, Reason: cmp.Or(a.Reason, ReasonNotPaid)}
	if a.Outcome == OutcomeClosed {
		v = Verdict{Trigger: Lapse, Reason: cmp.Or(a.Reason, ReasonWindowClosed)}
	}
	if r.Attempts.Unknown == 0 || f.Inquiry {
		return v
	}
	if f.CanInquire {
		v.Inquire = true
		return v
	}
	return Verdict{Trigger: Doubt, Reason: ReasonAfterSilence}
}

// matches compares everything in the answer with what is expected (rule 10). What the
// answer of this provider never contains must have been sent with the call, or must be
// bound by an intent or by a lookup that named the id.
func matches(r *Record, rc *Receipt, t Terms) (Reason, bool) {
	if rc == nil {
		return ReasonUnrecognised, false
	}
	if rc.ID != "" && rc.ID != r.ID {
		return ReasonIDDiffers, false
	}
	if rc.Order != "" && !r.unnamed() && rc.Order != r.Order {
		return ReasonOrderDiffers, false
	}
	switch {
	case r.Expect.Source == FromNone && rc.Order == "" && (!r.unnamed() || rc.Amount == 0):
		// Nobody but the provider names the order, and it does not. A shop that asks over
		// the relay has named the id, and needs no order where the amount is told.
		return ReasonUnboundReceipt, false
	case r.Expect.Source == FromNone:
		return "", true
	case rc.Amount == 0 && !t.SendsAmount && !(t.BindsAmount && (r.Expect.Source == FromIntent || r.Expect.Unconsumed)):
		return ReasonUnrecognised, false
	case rc.Amount == 0:
		return "", true
	}
	return matchAmount(r.Expect.Amount, rc, t)
}

func matchAmount(want Rials, rc *Receipt, t Terms) (Reason, bool) {
	if rc.Amount == want {
		if rc.Paid != 0 && rc.Paid < rc.Amount {
			return ReasonAmount, false
		}
		return "", true
	}
	if t.PayerFee != nil && rc.Amount > want && rc.Amount-want <= t.PayerFee(want) {
		return "", true
	}
	if why, slipped := slipReason(rc.Amount, want); slipped {
		return why, false
	}
	if t.PayerFee != nil && rc.Amount > want {
		return ReasonFee, false
	}
	return ReasonAmount, false
}

// explained is rule 4: "already verified" counts as paid only if (a) an earlier attempt of
// ours may have verified it, and (b) the receipt was unused at our first marker. If the
// shop itself said that this id is unpaid, (a) is not needed.
func explained(r *Record, a Answer, f Facts) bool {
	if vouched(r, f) {
		return true
	}
	if r.Attempts.Unknown == 0 {
		return false
	}
	return madeHere(r, f) || !r.Attempts.Awaiting.IsZero() && sameGeneration(r, f) || verifiedSince(r, a, f)
}

// unconsumed is (b) of rule 4 for providers that answer a repeated verify like the first.
// It holds if we saw the payment being made, if the shop vouches for it, or if the return
// is signed and the ledger knows which ids were used before.
func unconsumed(r *Record, f Facts) bool {
	if madeHere(r, f) || vouched(r, f) {
		return true
	}
	return r.Expect.Source == FromSigned && f.UsedIDsKnown && f.Generation.Seq <= 1
}

func madeHere(r *Record, f Facts) bool {
	return r.Expect.Source == FromIntent && sameGeneration(r, f)
}

// vouched: in this generation the shop said that the id is unused.
func vouched(r *Record, f Facts) bool { return r.Expect.Unconsumed && sameGeneration(r, f) }

// sameGeneration: no later change of the record can have been lost.
func sameGeneration(r *Record, f Facts) bool { return r.Generation == f.Generation.Seq }

// verifiedSince: the provider's time of verification shows that the receipt was unused at
// our first marker. A time that contradicts the answer, or the time of payment beside it,
// comes from a clock that can't be compared with ours, and proves nothing.
func verifiedSince(r *Record, a Answer, f Facts) bool {
	at := a.Receipt.VerifiedAt
	if at.IsZero() {
		return false
	}
	if paid := a.Receipt.PaidAt; !paid.IsZero() && f.Terms.Window > 0 && (at.Sub(paid) > f.Terms.Window+skewBlind || paid.Sub(at) > skewBlind) {
		return false // the document has every verification within the window after its payment
	}
	skew := skewBlind
	if a.HasOffset {
		at, skew = at.Add(-a.Offset), skewCorrected
	}
	if at.After(f.Now.Add(skew)) {
		return false // verified after it was told
	}
	if at.Before(r.Attempts.First.Add(-skew)) {
		return false
	}
	if f.Generation.Seq > 1 {
		// What was lost with the older generation may have been verified in the
		// last seconds before its end: here clocks count against us.
		return at.After(f.Generation.Start.Add(lostClock))
	}
	return !at.Before(f.Generation.Start.Add(-skew))
}
