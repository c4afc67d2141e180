package handlers

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Only an answer that could send a customer to pay is held back where its
// announcement can't be used; a shop that puts the headers on all its pages stays up.
func TestWhatSendsACustomerToPay(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	h.placed.Store(&place{site: &site{id: "shop", origins: []string{"https://shop"}}, standing: standing{found: true, hosts: hosts{names: []string{"shop", "www.shop"}}}})
	for _, c := range []struct {
		status       int
		location, id string
		want         bool
	}{
		{200, "", "", false},
		{200, "", "K1", true}, // a form that submits itself, JSON
		{404, "", "", false},
		{500, "", "K1", true},
		{302, "/cart", "", false},
		{302, "?step=2", "", false},
		{302, "https://shop/cart", "", false},
		{302, "//www.shop/cart", "", false},
		{302, "", "", false},
		{302, "https://bank.example/pay/K1", "", true},
		{303, "//bank.example/pay/K1", "", true},
		{302, "bank:pay", "", true},
		{302, "https://bank.example/%zz", "", true},
		{200, "https://bank.example/pay/K1", "", false}, // no browser follows it
		{302, "/cart", "K1", true},
	} {
		r := asked(httptest.NewRequest(http.MethodPost, "https://shop/buy", nil))
		header := http.Header{headerOrder: {"1"}}
		if c.location != "" {
			header.Set("Location", c.location)
		}
		if c.id != "" {
			header.Set(headerID, c.id)
		}
		if got := h.sendsToPay(r, c.status, header); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
