package payment

import (
	"net/url"
	"time"
)

// Erasable reports whether nothing is to be done about the payment any more, so that what
// it knows of its payer is needed by nobody.
func (r *Record) Erasable() bool {
	switch r.State {
	case Delivered, Declined, Expired, Reversed:
	default:
		return false
	}
	return r.Earliest().IsZero() && !r.Owed() && r.OpenRefund() < 0 && (r.Relay == nil || !r.Relay.Open())
}

// Erased reports whether there is nothing of a person in the payment.
func (r *Record) Erased() bool {
	c := r.Clone()
	return !c.forgetPerson()
}

// Erase takes out of a payment what is known of its payer: the masked card, what the
// buyer wrote, the return with its address, browser and parameters, where the shop sent the browser, the visit
// that it began with, and the browsers that opened what was paid. It stays the payment
// that it was: order, ids, amounts, numbers and history are what books and uniqueness
// need. Who and why goes into the history.
func (r *Record) Erase(n Note, now time.Time) error {
	if !r.Erasable() {
		return ErrTransition
	}
	r.forgetPerson()
	r.note(Entry{At: now, Kind: EntryErased, By: n.By, Text: n.Text})
	r.UpdatedAt = now
	return nil
}

// forgetPerson reports whether there was anything to forget.
func (r *Record) forgetPerson() (found bool) {
	found = r.Buyer != (Buyer{}) || r.Return != nil || r.Proof != "" || r.Delivery.Browser != "" || r.Delivery.Location != "" ||
		r.Track.ID != "" || len(r.Devices) > 0
	r.Buyer, r.Return, r.Proof, r.Devices, r.Track = Buyer{}, nil, "", nil, Track{}
	r.Delivery.Browser, r.Delivery.Location = "", ""
	if rc := r.Receipt; rc != nil {
		found = found || rc.Card != ""
		rc.Card = ""
	}
	if l := r.Relay; l != nil {
		bare := withoutQuery(l.Callback)
		found = found || len(l.Kept) > 0 || l.Callback != bare
		l.Kept, l.KeptAt, l.Callback = nil, time.Time{}, bare
	}
	return found
}

// withoutQuery is an address without its parameters, which may name a person.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}
