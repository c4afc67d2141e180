package payment_test

import (
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// An id in the place of a relayed payment's order is no order, and an order is named once.
func TestAnOrderIsNamedOnce(t *testing.T) {
	t.Parallel()
	relay := func() *payment.Relayed { return new(payment.Relayed) }
	for name, c := range map[string]struct {
		rec        payment.Record
		known      bool
		named      string
		by         bool
		takes      bool
		order, own string // afterwards
	}{
		"not relayed":            {payment.Record{ID: "K1", Order: "K1"}, true, "101", true, false, "K1", "K1"},
		"not relayed, no order":  {payment.Record{ID: "K1"}, false, "101", true, false, "", ""},
		"relayed, its order":     {payment.Record{ID: "K1", Order: "101", Relay: relay()}, true, "102", true, false, "101", "101"},
		"relayed, by the answer": {payment.Record{ID: "K1", Order: "K1", Relay: relay()}, false, "101", true, true, "101", "101"},
		"relayed, announced":     {payment.Record{ID: "K1", Order: "K1", Relay: relay()}, false, "101", false, true, "101", ""},
		"named before":           {payment.Record{ID: "K1", Order: "101", Relay: &payment.Relayed{Unnamed: true}}, true, "102", true, false, "101", ""},
		"no name":                {payment.Record{ID: "K1", Order: "K1", Relay: relay()}, false, "", true, false, "K1", ""},
		"64 bytes":               {payment.Record{ID: "K1", Order: "K1", Relay: relay()}, false, strings.Repeat("1", 64), true, true, strings.Repeat("1", 64), strings.Repeat("1", 64)},
		"65 bytes":               {payment.Record{ID: "K1", Order: "K1", Relay: relay()}, false, strings.Repeat("1", 65), true, false, "K1", ""},
		"a control character":    {payment.Record{ID: "K1", Order: "K1", Relay: relay()}, false, "1\x00", true, false, "K1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.rec.Clone()
			if r.OrderKnown() != c.known {
				t.Errorf("known before: %v", r.OrderKnown())
			}
			if got := r.NameOrder(c.named, c.by); got != c.takes || r.Order != c.order || r.CreatedOrder() != c.own {
				t.Errorf("%v, order %q, the provider's %q", got, r.Order, r.CreatedOrder())
			}
			if keys := len(r.Keys(false)); (keys == 2) != r.OrderKnown() {
				t.Errorf("%d keys", keys)
			}
		})
	}
}
