package payment_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// An order's bound counts bytes, so that no store cuts what a shop took for two orders.
func TestOrdersAreBounded(t *testing.T) {
	t.Parallel()
	const most = 64
	for _, letter := range []string{"a", "۱", "ن", "😀"} {
		for _, n := range []int{0, 1, most - 1, most, most + 1, 100 * most} {
			order := strings.Repeat(letter, n)
			want := len(order) >= 1 && len(order) <= most
			if err := payment.CheckOrder(order); (err == nil) != want || err != nil && !errors.Is(err, payment.ErrMalformed) {
				t.Errorf("%d bytes of %q: %v", len(order), letter, err)
			}
		}
	}
}
