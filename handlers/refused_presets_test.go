package handlers

import (
	"net/http"
	"testing"
)

// A preset takes the shop's own refusals, and never the page of a payment that it has
// taken.
func TestRefusedPresets(t *testing.T) {
	for name, c := range map[string]struct{ refusals, successes []string }{
		"woocommerce": {
			[]string{"https://shop.test/checkout/", "/checkout", "https://shop.test/fa/checkout/?x=1", "https://shop.test/checkout/order-pay/12/?key=wc_order_x", "https://shop.test/?page_id=7&order-pay=12", "https://shop.test/cart/", "/cart", "https://shop.test/cart/?cancel_order=true&order=1"},
			[]string{"https://shop.test/checkout/order-received/12/?key=wc_order_x", "https://shop.test/?page_id=7&order-received=12&key=wc_order_x", "https://shop.test/my-account/view-order/12/"},
		},
		"edd": {
			[]string{"https://shop.test/checkout/transaction-failed/", "https://shop.test/checkout/transaction-failed/?payment-id=3", "/payment-failed", "https://shop.test/checkout/?payment-mode=zarinpal"},
			[]string{"https://shop.test/checkout/purchase-confirmation/?payment_key=x", "https://shop.test/checkout/receipt/"},
		},
		"opencart": {
			[]string{"https://shop.test/index.php?route=checkout/failure", "https://shop.test/index.php?route=checkout/checkout&language=fa", "https://shop.test/checkout/failure", "/index.php?route=checkout/cart"},
			[]string{"https://shop.test/index.php?route=checkout/success", "https://shop.test/checkout/success"},
		},
		"prestashop": {
			[]string{"https://shop.test/index.php?controller=order&step=1", "https://shop.test/order?step=1", "https://shop.test/en/order", "https://shop.test/index.php?controller=order"},
			[]string{"https://shop.test/index.php?controller=order-confirmation&id_cart=1", "https://shop.test/order-confirmation?id_cart=1&key=x"},
		},
		"whmcs": {
			[]string{"https://shop.test/viewinvoice.php?id=12&paymentfailed=true"},
			[]string{"https://shop.test/viewinvoice.php?id=12&paymentsuccess=true", "https://shop.test/viewinvoice.php?id=12"},
		},
	} {
		r := Refused{Mode: refusedPreset, Patterns: []string{name}}
		if err := r.Check(); err != nil {
			t.Error(name, err)
		}
		for want, all := range map[bool][]string{true: c.refusals, false: c.successes} {
			for _, to := range all {
				if got := r.fits(http.StatusFound, http.Header{"Location": {to}}); got != want {
					t.Errorf("%s: %s is a refusal: %v", name, to, got)
				}
			}
		}
		if r.fits(http.StatusOK, http.Header{"Location": {c.refusals[0]}}) {
			t.Errorf("%s: a page is a refusal", name)
		}
	}
	if got := RefusedPresets(); len(got) != len(refusedPresets) || got[0] != "edd" {
		t.Error(got)
	}
}
