package handlers

import (
	"slices"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/idpay"
	"github.com/rahgir/caddy-payments/providers/nextpay"
	"github.com/rahgir/caddy-payments/providers/payping"
	"github.com/rahgir/caddy-payments/providers/vandar"
	"github.com/rahgir/caddy-payments/providers/zarinpal"
	"github.com/rahgir/caddy-payments/providers/zibal"
)

// The parameters by which gateways return the shop's order, as their documents have them.
func TestOrdersOfGateways(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		gateway payment.Provider
		order   string
	}{
		{&idpay.Provider{}, "order_id"}, {&nextpay.Provider{}, "order_id"}, {&payping.Provider{}, "clientRefId"},
		{&vandar.Provider{}, ""}, {&zarinpal.Provider{}, ""}, {&zibal.Provider{}, "orderId"},
	} {
		if got := orderParams(c.gateway); c.order == "" && len(got) > 0 || c.order != "" && !slices.Contains(got, c.order) {
			t.Errorf("%T: %q, not %q", c.gateway, got, c.order)
		}
	}
}
