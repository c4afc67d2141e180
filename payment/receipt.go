package payment

import "time"

// Receipt is a provider's answer to verify, in the same terms for all providers. A field
// that the answer does not contain is zero. Nothing is filled in from the browser.
type Receipt struct {
	// ID and Order as the answer names them.
	ID    string `json:"id,omitempty"`
	Order string `json:"o,omitempty"`
	// Amount is the price in rials as the provider knows it. Paid is what the payer paid,
	// if the answer distinguishes that.
	Amount Rials `json:"a,omitempty"`
	Paid   Rials `json:"p,omitempty"`
	// Fee is a documented fee in rials. FeePayer is "merchant", "payer" or "both" if the
	// answer says so.
	Fee      Rials  `json:"f,omitempty"`
	FeePayer string `json:"fp,omitempty"`
	// Number is the provider's own receipt number. It is unique for ever if the document
	// demands that (IDPay track_id).
	Number string `json:"n,omitempty"`
	// Reference is the bank's reference. Banks repeat short ones, so it is never a key.
	Reference string `json:"ref,omitempty"`
	// Card is masked: the first six and the last four digits. The hashed card is card data
	// and is never kept.
	Card string `json:"c,omitempty"`
	// PaidAt and VerifiedAt are the provider's times, UTC.
	PaidAt     time.Time `json:"tp,omitzero"`
	VerifiedAt time.Time `json:"tv,omitzero"`
	// Again is whether the provider said "already verified".
	Again bool `json:"ag,omitempty"`
}
