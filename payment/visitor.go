package payment

// Visitor is what the shop would learn of the visitor who made a request: kept with a
// return, so that a hand-over without its browser is the request that the browser
// would have made. It is personal data, and goes with the return once the payment
// is delivered.
type Visitor struct {
	// Peer is the address and port that the connection came from.
	Peer string `json:"p,omitempty"`
	// TLS is whether that connection was encrypted, which a proxy's word is not.
	TLS bool `json:"t,omitempty"`
	// For, Proto and Host are X-Forwarded-For (its lines joined), -Proto and
	// -Host (the last lines) as a peer that the server trusts sent them; empty of
	// any other peer.
	For   string `json:"f,omitempty"`
	Proto string `json:"s,omitempty"`
	Host  string `json:"h,omitempty"`
	// Agent and Languages are User-Agent and Accept-Language.
	Agent     string `json:"a,omitempty"`
	Languages string `json:"l,omitempty"`
}

// Address returns the path and query that were known before anybody came: announced,
// or our checkout's. Empty where none was.
func (r *Return) Address() string {
	switch {
	case r == nil:
		return ""
	case r.Arrived.IsZero():
		return r.URI
	}
	return r.Known
}
