package payment

import "time"

// Track is a captured visit from an affiliate network.
type Track struct {
	// ID is the network's id, opaque.
	ID string `json:"id"`
	// Affiliate is the name of the configured network.
	Affiliate string `json:"f,omitempty"`
	// Landing is the path of the page that the visitor landed on.
	Landing string    `json:"p,omitempty"`
	At      time.Time `json:"t,omitzero"`
}

// ConversionState is where the report of a conversion stands.
type ConversionState string

// The states of a report.
const (
	// ConversionOpen waits for the delivery, or for its next try.
	ConversionOpen ConversionState = "open"
	// ConversionSent was accepted by the network.
	ConversionSent ConversionState = "sent"
	// ConversionRejected was refused for good.
	ConversionRejected ConversionState = "rejected"
	// ConversionPerhaps was refused after an earlier try without an answer: the
	// network may have counted it.
	ConversionPerhaps ConversionState = "perhaps"
	// ConversionParked was tried for a week and is kept for a person.
	ConversionParked ConversionState = "parked"
)

// Conversion is the report of one verified payment to an affiliate. It lives
// in the payment's record, committed with `verified`, so it is as unique as
// the receipt is.
type Conversion struct {
	// EventID is derived from issuer and id: making it again after any crash
	// gives the same one.
	EventID string          `json:"e,omitempty"`
	Track   Track           `json:"tr,omitzero"`
	State   ConversionState `json:"s,omitempty"`
	Tries   int             `json:"n,omitempty"`
	// Unanswered is how many tries may have arrived without an answer.
	Unanswered int       `json:"u,omitempty"`
	Since      time.Time `json:"f,omitzero"`
	Next       time.Time `json:"d,omitzero"`
	SentAt     time.Time `json:"ok,omitzero"`
	// Last is the network's last answer, as a code for people.
	Last string `json:"l,omitempty"`
}
