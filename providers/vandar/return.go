package vandar

import (
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The parameters of the return.
const (
	paramToken  = "token"
	paramStatus = "payment_status"
)

// The states in a return. The failure's is not in the document: Vandar's own plugin
// of 2024 tests it.
const (
	returnedOK     = "OK"
	returnedFailed = "FAILED"
)

// A token's form is not documented: the document calls it a text in one place and a
// number in another.
func checkToken(s string) bool { return wire.CheckID(s, 1, 128, "") }

// ReadReturn implements [payment.Provider]. What is neither OK nor FAILED says
// nothing: verify is asked.
func (*Provider) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	c := payment.Claimed{ID: get(paramToken)}
	if !checkToken(c.ID) {
		return payment.Claimed{}, wire.Malformed(paramToken)
	}
	switch get(paramStatus) {
	case returnedOK:
		c.Hint = payment.HintPaid
	case returnedFailed:
		c.Hint = payment.HintUnpaid
	}
	return c, nil
}

// ReturnParams implements [payment.Provider].
func (*Provider) ReturnParams(r *payment.Record) map[string]string {
	params := map[string]string{paramToken: r.ID}
	if r.Receipt != nil {
		params[paramStatus] = returnedOK
	}
	return params
}

// ReadID implements [payment.IDReader].
func (*Provider) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.Checked(checkToken), "a token, 1 to 128 letters, digits, - and _")
}
