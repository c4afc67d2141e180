package reconcile

import (
	"slices"

	"github.com/rahgir/caddy-payments/payment"
)

// index finds one of our payments by what a list says of it.
type index struct {
	by map[payment.Term][]*payment.Record
}

func newIndex(ours []*payment.Record) index {
	ix := index{by: make(map[payment.Term][]*payment.Record)}
	for _, r := range ours {
		add := func(f payment.Field, value string) {
			if t := payment.NewTerm(f, value); t.Value != "" {
				ix.by[t] = append(ix.by[t], r)
			}
		}
		add(payment.FieldID, r.ID)
		add(payment.FieldOrder, r.Order)
		if rc := r.Receipt; rc != nil {
			add(payment.FieldNumber, rc.Number)
			add(payment.FieldReference, rc.Reference)
		}
	}
	return ix
}

// find is the payment that a line means: the provider's id decides where both name one;
// then its receipt number; then the bank's reference and the order, which can repeat, where
// only one payment fits.
func (ix index) find(b payment.Booked) *payment.Record {
	if b.ID != "" {
		if all := ix.by[payment.NewTerm(payment.FieldID, b.ID)]; len(all) > 0 {
			// Several orders may have claimed one id; one of them can have been paid by it.
			if i := slices.IndexFunc(all, booked); i >= 0 {
				return all[i]
			}
			return all[0]
		}
	}
	fits := func(r *payment.Record) bool {
		return (b.ID == "" || r.ID == "") && (b.Order == "" || payment.NewTerm(payment.FieldOrder, b.Order) == payment.NewTerm(payment.FieldOrder, r.Order))
	}
	for _, t := range []payment.Term{
		payment.NewTerm(payment.FieldNumber, b.Number), payment.NewTerm(payment.FieldReference, b.Reference), payment.NewTerm(payment.FieldOrder, b.Order),
	} {
		if t.Value == "" {
			continue
		}
		var one *payment.Record
		n := 0
		for _, r := range ix.by[t] {
			if !fits(r) {
				continue
			}
			if n++; n == 1 || booked(r) && !booked(one) {
				one = r
			}
		}
		if n == 1 || n > 1 && one != nil && onlyBooked(ix.by[t], one, fits) {
			return one
		}
	}
	return nil
}

// onlyBooked: of several payments of an order, one is paid.
func onlyBooked(all []*payment.Record, one *payment.Record, fits func(*payment.Record) bool) bool {
	for _, r := range all {
		if r != one && fits(r) && booked(r) {
			return false
		}
	}
	return booked(one)
}
