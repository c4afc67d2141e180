package handlers

import (
	"maps"
	"slices"
)

// refusedPresets are the answers by which well-known shops say that they do not take
// a payment. Each is read in the shop's source or in that of its payment plugins, at
// its default addresses: a shop whose pages have other addresses writes lines of its
// own beside the preset. docs/plugins.md says what is not confirmed.
//
// The invariant: no pattern fits the page to which the shop sends a customer whose
// payment it has taken (`order-received`, `purchase-confirmation`, `checkout/success`,
// `order-confirmation`, `paymentsuccess`).
var refusedPresets = map[string][]Refused{
	// The checkout or the cart again; success is below checkout/order-received.
	"woocommerce": {{Mode: refusedRedirect, Patterns: []string{
		"*/checkout", "*/checkout/", "*/checkout?*", "*/checkout/?*", "*/checkout/order-pay/*", "*order-pay=*",
		"*/cart", "*/cart/", "*/cart?*", "*/cart/?*", "*cancel_order=*",
	}}},
	// The failure page, or the checkout with the way of paying chosen.
	"edd": {{Mode: refusedRedirect, Patterns: []string{
		"*/transaction-failed*", "*/payment-failed*", "*/order-failed*", "*payment-mode=*",
	}}},
	// Addresses as the shop writes them and as its rewriting does.
	"opencart": {{Mode: refusedRedirect, Patterns: []string{
		"*route=checkout/failure*", "*route=checkout/checkout*", "*route=checkout/cart*",
		"*/checkout/failure*", "*/checkout/checkout*", "*/checkout/cart*",
	}}},
	// The order's steps again; success is order-confirmation.
	"prestashop": {{Mode: refusedRedirect, Patterns: []string{
		"*controller=order", "*controller=order&*", "*/order?*step=*", "*/order.php?*step=*", "*/order", "*/cart?*", "*controller=cart*",
	}}},
	// Only plugins that use WHMCS' own redirect tell; others send to the invoice
	// whatever happened.
	"whmcs": {{Mode: refusedRedirect, Patterns: []string{"*paymentfailed=true*"}}},
}

// RefusedPresets are the names of the presets, sorted.
func RefusedPresets() []string { return slices.Sorted(maps.Keys(refusedPresets)) }
