package payment

// Masker is a [Relayer] among whose harmless calls are lists that tell of each payment
// whether it was verified. A job of the shop's that looks there for what is paid and not
// verified must still find what it hasn't heard of.
type Masker interface {
	// Lists reports whether a call asks for such a list.
	Lists(c RelayCall) bool
	// Mask is the list's answer with payments in it as they were before they were
	// verified. What it can't read, or what isn't the list, it leaves as it came.
	Mask(r RelayReply, unheard []*Record) RelayReply
}

// Unheard reports whether a payment is settled and the shop hasn't heard of it: until
// then inquiries and lists speak of it as before its verify. Where the shop may have
// heard, and nobody knows, they say what the provider says; so they do while it is being
// told, because the first bytes may have arrived.
func (r *Record) Unheard() bool {
	if r == nil || r.Relay == nil {
		return false
	}
	l := r.Relay
	if l.Heard() || l.Open() || r.BackPending() {
		return false
	}
	return r.Tellable() || r.State == Delivering
}
