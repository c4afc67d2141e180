package payment

import (
	"slices"
	"strconv"
	"strings"
)

// Field names a property by which payments can be found.
type Field byte

// The fields. Stores keep an index of each under its letter, so the letters never change.
const (
	// FieldRef is the beginning of our own reference.
	FieldRef Field = 'f'
	// FieldOrder is the shop's order, in any case.
	FieldOrder Field = 'o'
	// FieldID is the provider's id.
	FieldID Field = 'i'
	// FieldReference is the bank's reference, which a customer reads out.
	FieldReference Field = 'b'
	// FieldNumber is the provider's receipt number.
	FieldNumber Field = 'n'
	// FieldCard is the card's last four digits.
	FieldCard Field = 'l'
	// FieldAmount is the price, what was asked or what was paid, in rials.
	FieldAmount Field = 'a'
	// FieldItem is what was bought, in any case.
	FieldItem Field = 't'
	// FieldTrack is the affiliate's id.
	FieldTrack Field = 'k'
	// FieldMobile is the buyer's mobile number.
	FieldMobile Field = 'm'
)

// Term is a value of a field to search for. Make it with [NewTerm], which gives equal
// values one spelling.
type Term struct {
	Field Field
	Value string
}

// NewTerm makes a term from a value as a person or a program wrote it.
func NewTerm(f Field, value string) Term {
	switch f {
	case FieldOrder, FieldItem, FieldRef:
		value = strings.ToLower(value)
	case FieldReference, FieldNumber:
		value = CanonicalNumber(value)
	case FieldCard:
		value = lastFour(value)
	case FieldMobile:
		if m, err := ParseMobile(value); err == nil {
			value = m
		}
	case FieldID, FieldAmount, FieldTrack:
	}
	return Term{f, value}
}

// lastFour returns a card's last four digits, or "" if it doesn't end in four digits.
func lastFour(card string) string {
	card = strings.TrimSpace(ASCIIDigits(card))
	if len(card) < 4 || !digitsOnly(card[len(card)-4:]) {
		return ""
	}
	return card[len(card)-4:]
}

// Terms returns all terms by which the payment is found, except its reference.
func (r *Record) Terms() []Term {
	terms := make([]Term, 0, 10)
	add := func(f Field, value string) {
		if value == "" {
			return
		}
		if t := NewTerm(f, value); t.Value != "" && !slices.Contains(terms, t) {
			terms = append(terms, t)
		}
	}
	add(FieldOrder, r.Order)
	add(FieldID, r.ID)
	amount := func(a Rials) {
		if a > 0 {
			add(FieldAmount, strconv.FormatInt(int64(a), 10))
		}
	}
	amount(r.Expect.Amount)
	add(FieldItem, r.Expect.Item)
	if rc := r.Receipt; rc != nil {
		add(FieldReference, rc.Reference)
		add(FieldNumber, rc.Number)
		add(FieldCard, rc.Card)
		amount(rc.Amount)
		amount(rc.Paid)
	}
	add(FieldTrack, r.Track.ID)
	add(FieldMobile, r.Buyer.Mobile)
	return terms
}

// HasAny reports whether the payment is found by one of the terms.
func (r *Record) HasAny(terms []Term) bool {
	own := r.Terms()
	return slices.ContainsFunc(terms, func(t Term) bool {
		if t.Field == FieldRef {
			return strings.HasPrefix(string(r.Ref), t.Value)
		}
		return slices.Contains(own, t)
	})
}
