package payment

// Visitor is what the shop would learn about the visitor who made a request. It is kept
// with a return, so that a delivery without its browser is the request that the browser
// would have made. It is personal data, and is deleted with the return once the payment
// is delivered.
type Visitor struct {
	// Peer is the address and port that the connection came from.
	Peer string `json:"p,omitempty"`
	// TLS: that connection was encrypted. What a proxy says of its own is in Proto.
	TLS bool `json:"t,omitempty"`
	// For, Proto and Host are X-Forwarded-For (its lines joined), -Proto and -Host (the
	// last lines) from a peer that the server trusts; empty for any other peer.
	For   string `json:"f,omitempty"`
	Proto string `json:"s,omitempty"`
	Host  string `json:"h,omitempty"`
	// Agent and Languages are User-Agent and Accept-Language.
	Agent     string `json:"a,omitempty"`
	Languages string `json:"l,omitempty"`
}

// Address returns the path and query that were known before the customer came, from an
// announcement or our checkout; empty if none were.
func (r *Return) Address() string {
	switch {
	case r == nil:
		return ""
	case r.Arrived.IsZero():
		return r.URI
	}
	return r.Known
}
