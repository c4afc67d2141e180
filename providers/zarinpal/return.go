package zarinpal

import (
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The parameters of the return, with their capitals.
const (
	paramAuthority = "Authority"
	paramStatus    = "Status"

	returnOK = "OK"
	returnNo = "NOK"
)

// authorityLen is the length of every authority: a letter (A live, S sandbox) or a
// zero, and then zeros and letters of both cases or digits.
const authorityLen = 36

func checkAuthority(s string) bool {
	return wire.CheckID(s, authorityLen, authorityLen, "") && !strings.ContainsAny(s, "-_") && strings.Trim(s, "0") != ""
}

// ReadReturn implements [payment.Provider].
func (*Provider) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	c := payment.Claimed{ID: get(paramAuthority)}
	if !checkAuthority(c.ID) {
		return payment.Claimed{}, wire.Malformed(paramAuthority)
	}
	switch status := get(paramStatus); status {
	case returnOK:
		c.Hint = payment.HintPaid
	case returnNo:
		c.Hint = payment.HintUnpaid
	default:
		// Nothing but the two is documented. Another word is no "no", so verify is
		// asked; what isn't even a word is nobody's.
		if status != "" && !wire.CheckID(status, 1, 16, "") {
			return payment.Claimed{}, wire.Malformed(paramStatus)
		}
	}
	return c, nil
}

// ReturnParams implements [payment.Provider]. A script looks for OK: a return that
// said otherwise (the customer cancelled, went back and paid) is past.
func (*Provider) ReturnParams(r *payment.Record) map[string]string {
	params := map[string]string{paramAuthority: r.ID}
	if r.Receipt != nil {
		params[paramStatus] = returnOK
	}
	return params
}

// ReadID implements [payment.IDReader].
func (*Provider) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.Checked(checkAuthority), "an authority, 36 letters and digits")
}
