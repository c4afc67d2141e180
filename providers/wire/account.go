package wire

import "github.com/rahgir/caddy-payments/payment"

// Identify fills in who gives out the receipts and who is called for them: the
// issuer, the account and the host. t has the environment; protocol is the
// protocol's name.
func Identify(t payment.Traits, protocol string, key Secret, api Base) payment.Traits {
	t.Account = key.AccountID(protocol)
	t.Issuer = payment.Issuer(protocol, t.Account, t.Environment)
	t.Host = protocol + "|" + api.Identity() + "|" + t.Environment
	return t
}
