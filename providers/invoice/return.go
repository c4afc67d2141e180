package invoice

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The parameters that clients of the script were seen to read from the return.
// None is documented.
const (
	paramKey      = "invoice_key"
	paramStatus   = "status"
	paramBankCode = "bank_code"
	paramCard     = "card_number"
)

// An invoice key's form is not documented, so more is let through than any host
// is likely to use; nothing of it needs escaping, and it is escaped all the same.
const (
	leastKey, mostKey = 1, 128
	extraKey          = ".~="
)

func checkKey(s string) bool { return wire.CheckID(s, leastKey, mostKey, extraKey) }

// protocol is the document, for every host of the script. 24pal is one.
var protocol = payment.Protocol{
	Name:          "invoice",
	AnswersAmount: true,
	Min:           1_000, // code 102; the document names no most
	Params:        []string{paramKey, paramStatus, paramBankCode, paramCard},
	Marks:         []string{paramKey},
}

// Protocol implements [payment.Provider].
func (*Account) Protocol() payment.Protocol { return protocol }

// wage returns the fee that a payer may bear at the script's best-known host, in
// rials (its page on wages): 1 % below 5,000 toman, 500 toman from there, and
// 200 toman more for every full million.
func wage(price payment.Rials) payment.Rials {
	const million = payment.Rials(10_000_000) // of toman
	switch {
	case price <= 0:
		return 0
	case price < 50_000:
		return (price + 99) / 100
	}
	return 5_000 + price/million*2_000
}

// ReadReturn implements [payment.Provider]. The key may be missing, and nothing
// tells paid from not: in one client `status` 0 means paid, in the answers 1
// does, and no document says.
func (a *Account) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	key := get(paramKey)
	if key != "" && !checkKey(key) {
		return payment.Claimed{}, wire.Malformed(paramKey)
	}
	return payment.Claimed{ID: key}, nil
}

// ReturnParams implements [payment.Provider]. The card number is removed: the
// answer to check has none that it could be replaced by.
func (a *Account) ReturnParams(r *payment.Record) map[string]string {
	params := map[string]string{paramCard: ""}
	if r.ID != "" {
		params[paramKey] = r.ID
	}
	if r.Receipt != nil && r.Receipt.Reference != "" {
		params[paramBankCode] = r.Receipt.Reference
	}
	return params
}

// ReadID implements [payment.IDReader].
func (*Account) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.Checked(checkKey), "an invoice_key, 1 to 128 letters, digits and - _ . ~ =")
}
