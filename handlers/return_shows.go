package handlers

import (
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// shows reports whether a page of ours may say what is known of a payment: its number, what
// was bought and for how much, how long it has taken, where it may be paid again.
//
// Invariant: a page says that to a request which holds what we, or the shop by its signature,
// gave to the buyer's browser alone: our reference, a cookie of the payment, the signature.
// Anybody else with the provider's id, which other people and programs see and which may be
// guessed, is told how the payment stands and no more.
func (t *returnRequest) shows(rec *payment.Record) bool {
	switch {
	case rec == nil:
		return false
	case !given(rec) || t.ref == rec.Ref:
		return true
	}
	return t.buyer(rec) || t.signedFor(rec)
}

// given reports whether the buyer's browser got anything that it could be known by. A shop that
// begins its payments by itself, without a word to us or through the relay, gives it nothing;
// then the return is all that the customer has, and the number is all that a page has to show.
func given(rec *payment.Record) bool {
	switch rec.Expect.Source {
	case payment.FromIntent:
		return rec.Expect.Checkout || rec.Relay == nil
	case payment.FromSigned:
		return true
	}
	return false
}

// signedFor: the request has the shop's signature of the payment's order.
func (t *returnRequest) signedFor(rec *payment.Record) bool {
	set := t.brought()
	if set == nil || t.v.route.expect != expectSigned || !set.Has(payment.ParamSignature) {
		return false
	}
	s, err := t.site.readSigned(set.Get, t.v, t.keys.All(payment.PurposeReturn))
	return err == nil && s.Order == rec.Order
}

// brought are the parameters that the browser itself brought, not those of the return that a
// bounce restores, which another browser may have brought.
func (t *returnRequest) brought() *params.Set {
	if t.came != nil {
		return t.came
	}
	return t.set
}
