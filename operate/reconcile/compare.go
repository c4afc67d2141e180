package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Kind is what a difference is.
type Kind string

// The kinds.
const (
	// OursOnly: the ledger has it as paid, and the list does not have it.
	OursOnly Kind = "ours_only"
	// TheirsOnly: the list has it as paid, and the ledger does not know it.
	TheirsOnly Kind = "theirs_only"
	// NotBooked: the list has it as paid, and the ledger knows it and not as paid.
	NotBooked Kind = "not_booked"
	// NotPaid: the ledger has it as paid, and the list says that nothing was paid.
	NotPaid Kind = "not_paid"
	// Returned: the ledger has it as paid, and the list says that the money went back.
	Returned Kind = "returned"
	// Unverified: paid, and not verified by the list; nobody gets the money so.
	Unverified Kind = "unverified"
	// AmountDiffers: the amounts differ; RialToman, Factor1000 and Factor10000 say how
	// where it is by exactly ten, a thousand or ten thousand.
	AmountDiffers Kind = "amount_differs"
	RialToman     Kind = "rial_toman"
	Factor1000    Kind = "factor_1000"
	Factor10000   Kind = "factor_10000"
	// ListedTwice: the list has it as paid more than once.
	ListedTwice Kind = "listed_twice"
)

// Difference is one payment about which ledger and list do not agree.
type Difference struct {
	Kind Kind `json:"kind"`
	// Text is one sentence: what it means and what to look at.
	Text string `json:"text"`
	// Ref is ours; empty where the ledger doesn't know it.
	Ref   payment.Ref `json:"ref,omitempty"`
	ID    string      `json:"id,omitempty"`
	Order string      `json:"order,omitempty"`
	// Ours and Theirs are the amounts in rials, OurState and TheirState the states.
	Ours       payment.Rials       `json:"ours_rials,omitempty"`
	Theirs     payment.Rials       `json:"theirs_rials,omitempty"`
	OurState   payment.State       `json:"our_state,omitempty"`
	TheirState payment.BookedState `json:"their_state,omitempty"`
	At         time.Time           `json:"at,omitzero"`
	// Line is the line of the table, if there is one.
	Line int `json:"line,omitempty"`
}

// Result is what a comparison found.
type Result struct {
	// Ours and Theirs count what was compared and is paid, and sum it in rials; Agree is
	// how many payments both have alike.
	Ours        int           `json:"ours"`
	OursRials   payment.Rials `json:"ours_rials"`
	Theirs      int           `json:"theirs"`
	TheirsRials payment.Rials `json:"theirs_rials"`
	Agree       int           `json:"agree"`
	Differences []Difference  `json:"differences"`
}

// Span is the time that is compared: From inclusive, To exclusive.
type Span struct{ From, To time.Time }

// Has reports whether a time is in the span.
func (s Span) Has(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// PaidAt is when one of our payments was paid, as far as is known.
func PaidAt(r *payment.Record) time.Time {
	if rc := r.Receipt; rc != nil && !rc.PaidAt.IsZero() {
		return rc.PaidAt
	}
	return r.CreatedAt
}

// booked reports whether the ledger has the payment's money as the shop's.
func booked(r *payment.Record) bool { return r.State.Captured() }

// Compare compares our payments with a list. ours may have more than was paid in the
// span, so that what was paid at its edges is found; of the list everything is compared.
// The list is whole where nothing that is missing in it can be elsewhere.
func Compare(ours []*payment.Record, list []payment.Booked, span Span, whole bool) Result {
	out := Result{Differences: []Difference{}}
	ix := newIndex(ours)
	seen := make(map[*payment.Record]payment.Booked)
	for _, b := range list {
		if b.State == payment.BookedPaid {
			out.Theirs++
			out.TheirsRials += b.Amount
		}
		r := ix.find(b)
		if r == nil {
			out.unknown(b)
			continue
		}
		before, twice := seen[r]
		switch {
		case twice && before.State == payment.BookedPaid && b.State == payment.BookedPaid:
			out.add(ListedTwice, r, b)
		case twice && b.State != payment.BookedPaid:
			continue // an earlier try of the same order
		default:
			seen[r] = b
		}
	}
	for _, r := range ours {
		b, listed := seen[r]
		if booked(r) && (listed || span.Has(PaidAt(r))) {
			out.Ours++
			out.OursRials += r.Price()
		}
		switch {
		case listed:
			out.compare(r, b)
		case whole && booked(r) && span.Has(PaidAt(r)):
			out.add(OursOnly, r, payment.Booked{})
		}
	}
	slices.SortStableFunc(out.Differences, func(a, b Difference) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// unknown notes a payment that the ledger doesn't know. What nobody paid is no
// difference.
func (out *Result) unknown(b payment.Booked) {
	switch b.State {
	case payment.BookedPaid:
		out.add(TheirsOnly, nil, b)
	case payment.BookedAwaiting:
		out.add(Unverified, nil, b)
	case payment.BookedReturned, payment.BookedUnpaid:
	}
}

func (out *Result) compare(r *payment.Record, b payment.Booked) {
	ours := booked(r)
	switch b.State {
	case payment.BookedPaid:
		switch {
		case !ours:
			out.add(NotBooked, r, b)
		case !sameAmount(r, b.Amount):
			out.add(slip(r.Price(), b.Amount), r, b)
		default:
			out.Agree++
		}
	case payment.BookedAwaiting:
		if ours || !onTheWay(r) {
			out.add(Unverified, r, b)
		} else {
			out.Agree++
		}
	case payment.BookedReturned:
		if ours {
			out.add(Returned, r, b)
		} else {
			out.Agree++
		}
	case payment.BookedUnpaid:
		if ours {
			out.add(NotPaid, r, b)
		} else {
			out.Agree++
		}
	}
}

// onTheWay: the ledger still asks about it by itself.
func onTheWay(r *payment.Record) bool {
	return r.State == payment.Created || r.State == payment.Verifying || r.State == payment.Unknown
}

// sameAmount: the list has the price, or what the payer paid, fee and all; or doesn't say.
func sameAmount(r *payment.Record, a payment.Rials) bool {
	rc := r.Receipt
	return a == 0 || a == r.Price() || rc != nil && (a == rc.Amount || a == rc.Paid)
}

func slip(a, b payment.Rials) Kind {
	for factor, kind := range map[payment.Rials]Kind{10: RialToman, 1000: Factor1000, 10_000: Factor10000} {
		if a > 0 && b > 0 && (a == b*factor || b == a*factor) {
			return kind
		}
	}
	return AmountDiffers
}

// add notes a difference; r may be nil.
func (out *Result) add(k Kind, r *payment.Record, b payment.Booked) {
	d := Difference{Kind: k, Text: texts[k], ID: b.ID, Order: b.Order, Theirs: b.Amount, TheirState: b.State, At: b.At, Line: b.Line}
	if r != nil {
		d.Ref, d.ID, d.Order, d.Ours, d.OurState = r.Ref, r.ID, r.Order, r.Price(), r.State
		if d.At.IsZero() {
			d.At = PaidAt(r)
		}
	}
	out.Differences = append(out.Differences, d)
}

// Kinds are all kinds, those that cost money first.
func Kinds() []Kind {
	return []Kind{Unverified, NotPaid, Returned, NotBooked, TheirsOnly, OursOnly, RialToman, Factor1000, Factor10000, AmountDiffers, ListedTwice}
}

var texts = map[Kind]string{
	OursOnly:      "The ledger has it as paid, and the list doesn't have it: it may be booked on another day, or in another account. Look for its id in the provider's panel; if it isn't there, ask the provider.",
	TheirsOnly:    "The provider has it as paid, and the ledger doesn't know it: it was made beside this server, or the ledger was lost or restored since. Look in the shop whether the order was credited; if it was, take its id over with import-ids.",
	NotBooked:     "The provider has it as paid, and the ledger doesn't. Look at it with show; verify asks the provider once more. If the shop hasn't credited it, the money is owed.",
	NotPaid:       "The ledger has it as paid, and the list says that nothing was paid. Look in the provider's panel before anything else, and at what the shop has delivered.",
	Returned:      "The ledger has it as paid, and the provider says that the money went back. If it did, note it: resolve <reference> repaid.",
	Unverified:    "It is paid and nobody has verified it: without that the money goes back. verify asks now, where the ledger knows the payment.",
	AmountDiffers: "The amounts differ. The provider's panel and the shop's order tell which is right.",
	RialToman:     "The amounts differ by exactly ten: rial and toman are mixed up, in the list's unit or in the shop. Mend that first.",
	Factor1000:    "The amounts differ by exactly a thousand: thousands were left out, in the list's unit or in the shop. Mend that first.",
	Factor10000:   "The amounts differ by exactly ten thousand: the new rial is mixed up with the old one, in the list's unit or in the shop. Mend that first.",
	ListedTwice:   "The list has it as paid twice: two receipts of one payment, or one line twice in the table.",
}
