package payment

import "time"

// Receipt is a provider's answer to verify, in one vocabulary. A field that the
// provider's answer does not carry is zero; nothing is ever filled in from the
// browser.
type Receipt struct {
	// ID and Order as the answer names them.
	ID    string `json:"id,omitempty"`
	Order string `json:"o,omitempty"`
	// Amount is the price in rials as the provider has it; Paid is what the
	// payer paid, where that is told apart.
	Amount Rials `json:"a,omitempty"`
	Paid   Rials `json:"p,omitempty"`
	// Fee is a documented fee in rials; FeePayer is "merchant", "payer" or
	// "both" where the answer says so.
	Fee      Rials  `json:"f,omitempty"`
	FeePayer string `json:"fp,omitempty"`
	// Number is the provider's own receipt number, unique for ever where its
	// document demands it (IDPay track_id).
	Number string `json:"n,omitempty"`
	// Reference is the bank's reference. Banks repeat short ones: never a key.
	Reference string `json:"ref,omitempty"`
	// Card is masked: first six and last four digits. The hashed card is card
	// data and is never kept.
	Card string `json:"c,omitempty"`
	// PaidAt and VerifiedAt are the provider's times, UTC.
	PaidAt     time.Time `json:"tp,omitzero"`
	VerifiedAt time.Time `json:"tv,omitzero"`
	// Again is whether the provider said "already verified".
	Again bool `json:"ag,omitempty"`
}
