package handlers

import (
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// cardPlace takes the place of card data, for the masked card that the receipt may have.
const cardPlace = "-"

// uncarded returns address and body of the return without the payer's card data, so that they
// may be kept, or sent again from one of our pages. The hash of a card number counts as card
// data, because somebody could try all card numbers.
func (t *returnRequest) uncarded() (uri string, body []byte) {
	uri = originalURI(t.r)
	if t.set == nil {
		return uri, t.body
	}
	// For a record without a receipt, ReturnParams removes card data only. It has id and
	// order only if the record has them.
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

// rewritten returns a parameter that carries several values in one text, as the provider
// writes it from what it reads in this return.
func (t *returnRequest) rewritten(name string) string {
	provider := t.v.route.provider
	c, err := provider.ReadReturn(t.set.Get)
	if err != nil {
		return cardPlace
	}
	return provider.ReturnParams(&payment.Record{ID: c.ID, Order: c.Order, Proof: c.Proof})[name]
}
