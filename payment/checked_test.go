package payment_test

import (
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// What the shop is told about the amount is never more than is known: "sent"
// where the provider's answer names none (M5), "no" where nobody expected one
// (M12).
func TestAmountChecked(t *testing.T) {
	t.Parallel()
	answered, silent := &payment.Receipt{Amount: 50000}, &payment.Receipt{}
	for _, c := range []struct {
		source  payment.Source
		amount  payment.Rials
		receipt *payment.Receipt
		checked string
		price   payment.Rials
		handed  payment.Rials
	}{
		{payment.FromIntent, 50000, answered, "intent", 50000, 50000},
		{payment.FromLookup, 50000, answered, "lookup", 50000, 50000},
		{payment.FromSigned, 50000, answered, "signed", 50000, 50000},
		{payment.FromIntent, 50000, silent, "sent", 50000, 50000},
		{payment.FromLookup, 50000, silent, "sent", 50000, 50000},
		{payment.FromNone, 0, answered, "no", 50000, 50000},
		{"", 0, answered, "no", 50000, 50000},
		{"", 0, nil, "no", 0, 0},
		// Given by a person, though the amounts differ: never more than was verified.
		{payment.FromIntent, 9_000_000, answered, "no", 9_000_000, 50_000},
		{payment.FromSigned, 50_001, answered, "no", 50_001, 50_000},
		{payment.FromLookup, 49_999, answered, "lookup", 49_999, 49_999},
		{payment.FromIntent, 50_000, &payment.Receipt{Amount: 50_000, Paid: 40_000}, "no", 50_000, 40_000},
		{payment.FromIntent, 50_000, &payment.Receipt{Amount: 50_000, Paid: 51_000}, "intent", 50_000, 50_000},
		{payment.FromNone, 0, &payment.Receipt{Amount: 50_000, Paid: 40_000}, "no", 50_000, 40_000},
	} {
		r := &payment.Record{Expect: payment.Expectation{Source: c.source, Amount: c.amount}, Receipt: c.receipt}
		if got := r.AmountChecked(); got != c.checked || r.Price() != c.price || r.HandedAmount() != c.handed {
			t.Errorf("%s, %+v: %s, %d rials, handed over %d, want %s, %d and %d", c.source, c.receipt, got, r.Price(), r.HandedAmount(), c.checked, c.price, c.handed)
		}
	}
}
