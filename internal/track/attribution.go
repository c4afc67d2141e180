package track

import (
	"fmt"

	"github.com/rahgir/caddy-payments/payment"
)

// Attribution says which of two visits counts.
type Attribution string

// The attributions.
const (
	// Last: the newest visit counts.
	Last Attribution = "last"
	// First: the oldest that has not expired counts.
	First Attribution = "first"
)

// ParseAttribution reads the option; empty is [Last].
func ParseAttribution(s string) (Attribution, error) {
	switch a := Attribution(s); a {
	case "":
		return Last, nil
	case Last, First:
		return a, nil
	}
	return "", fmt.Errorf("attribution is last or first, not %.32q", s)
}

// Merge returns the track that counts after a new visit, and whether it is to
// be kept anew. old is nil if there is none that is still valid. Networks
// compete: `first` of one network also keeps out the later of another.
func (a Attribution) Merge(old *payment.Track, visit payment.Track) (payment.Track, bool) {
	if a == First && old != nil && old.ID != "" {
		return *old, false
	}
	return visit, true
}
