package payment

import (
	"context"
	"time"
)

// Affiliate is a network that wants to hear of conversions. Implementations
// are safe for concurrent use and never retry on their own.
type Affiliate interface {
	// Report tells the network of one conversion.
	Report(ctx context.Context, c *Conversion) ReportAnswer
	// Param is the query parameter that the network's links carry.
	Param() string
}

// ReportOutcome is what the network's answer means.
type ReportOutcome int

// The outcomes of a report.
const (
	// ReportRetry: no answer, or one that says nothing about this conversion.
	ReportRetry ReportOutcome = iota
	// ReportAccepted: counted.
	ReportAccepted
	// ReportRejected: refused for good.
	ReportRejected
	// ReportUnauthorized: the token is wrong; nothing more is sent until the
	// configuration changes.
	ReportUnauthorized
)

// ReportAnswer is a network's answer, read.
type ReportAnswer struct {
	Outcome ReportOutcome
	// Code is a short code for people.
	Code string
	// Unsent is true where it is certain that no byte reached the network.
	Unsent bool
	// RetryAfter is what the network asked for; zero where it did not.
	RetryAfter time.Duration
	// Err is for the log; it carries no secret.
	Err error
}
