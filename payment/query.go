package payment

// Query is what a provider is asked about the payment with.
func (r *Record) Query() Query {
	q := Query{ID: r.ID, Order: r.Order, Amount: r.Expect.Amount, Proof: r.Proof, Serial: r.Serial}
	if r.Relay != nil {
		q.Unit = r.Relay.Unit
	}
	return q
}
