package handlers

import (
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// cardPlace stands where card data stood: the place is kept, for the masked
// card that the receipt may know.
const cardPlace = "-"

// uncarded returns the return as it may be kept, or be sent again from a page of
// ours: address and body as they came, less what a provider says of the payer's
// card. A hash of a card number is a card number to whoever tries them all.
func (t *visit) uncarded() (uri string, body []byte) {
	uri = originalURI(t.r)
	if t.set == nil {
		return uri, t.body
	}
	// Without a receipt, what a provider takes out of a return is card data.
	// An id and an order it has only where the record has them.
	blank := &payment.Record{ID: cardPlace, Order: cardPlace}
	set := make(map[string]string)
	for name, value := range t.v.route.provider.ReturnParams(blank) {
		switch {
		case t.set.Get(name) == "":
		case value == "":
			set[name] = cardPlace
		case value != cardPlace:
			// Several things in one text, which the provider writes anew without the card.
			set[name] = t.rewritten(name)
		}
	}
	query, body, _ := t.set.Rewrite(set)
	path, _, asked := strings.Cut(uri, "?")
	if asked {
		path += "?" + query
	}
	if t.body == nil {
		body = nil
	}
	return path, body
}

// rewritten returns a parameter that carries several things in one text, as the provider
// writes it from what it reads in this return and nothing else.
func (t *visit) rewritten(name string) string {
	provider := t.v.route.provider
	c, err := provider.ReadReturn(t.set.Get)
	if err != nil {
		return cardPlace
	}
	return provider.ReturnParams(&payment.Record{ID: c.ID, Order: c.Order, Proof: c.Proof})[name]
}
