// Package failpoint names the places where a test may end the process, pause it or make
// it panic: the crash points of a payment's life.
//
// In a normal build every call is empty and is inlined away. Only a build with the tag
// `failpoints` reads [Env].
package failpoint

// Env is the variable that arms places in a build with the tag: items separated
// by commas, each `place=action[@pass][+duration]`.
//
//	answer-read=kill              end the process as kill -9 does, at the first pass
//	claim-issued=kill@2+300us     at the second pass, 300 µs later while work goes on
//	shop-told=panic               panic
//	answer-read=delay+2s          wait
const Env = "PAYMENTS_FAILPOINTS"

// Place is a crash point.
type Place string

// The crash points, in the order in which a payment meets them.
const (
	// RequestParsed: a return is read, nothing is written.
	RequestParsed Place = "request-parsed"
	// ClaimIssued: the claim is about to be synced; with a delay, while it is.
	ClaimIssued Place = "claim-issued"
	// ClaimDurable: the claim is synced, the provider has not heard of it.
	ClaimDurable Place = "claim-durable"
	// VerifySent: the question is on its way to the provider.
	VerifySent Place = "verify-sent"
	// AnswerRead: the provider has settled, and only this process knows.
	AnswerRead Place = "answer-read"
	// VerifiedIssued: "verified" is about to be synced; with a delay, while it is.
	VerifiedIssued Place = "verified-issued"
	// VerifiedDurable: "verified" is synced, nobody has been told.
	VerifiedDurable Place = "verified-durable"
	// DeliveryDurable: the delivery is on record, the shop has heard nothing.
	DeliveryDurable Place = "delivery-durable"
	// ShopTold: the delivery is on its way to the shop.
	ShopTold Place = "shop-told"
	// ShopAnswered: the shop has credited, and only this process knows.
	ShopAnswered Place = "shop-answered"
	// Delivered: the delivery's end is on record, the browser has not got its page.
	Delivered Place = "delivered"
	// ConversionSent: the network has the conversion, and only this process knows.
	ConversionSent Place = "conversion-sent"
	// Inherited: what a dead owner was doing has been found and made due.
	Inherited Place = "inherited"
	// LedgerOpening: between the steps of opening the ledger.
	LedgerOpening Place = "ledger-opening"
)
