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
	}{
		{payment.FromIntent, 50000, answered, "intent", 50000},
		{payment.FromLookup, 50000, answered, "lookup", 50000},
		{payment.FromSigned, 50000, answered, "signed", 50000},
		{payment.FromIntent, 50000, silent, "sent", 50000},
		{payment.FromLookup, 50000, silent, "sent", 50000},
		{payment.FromNone, 0, answered, "no", 50000},
		{"", 0, answered, "no", 50000},
		{"", 0, nil, "no", 0},
	} {
		r := &payment.Record{Expect: payment.Expectation{Source: c.source, Amount: c.amount}, Receipt: c.receipt}
		if got := r.AmountChecked(); got != c.checked || r.Price() != c.price {
			t.Errorf("%s, %+v: %s and %d rials, want %s and %d", c.source, c.receipt, got, r.Price(), c.checked, c.price)
		}
	}
}
