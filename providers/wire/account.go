package wire

import (
	"slices"

	"github.com/rahgir/caddy-payments/payment"
)

// Identify fills in who gives out the receipts and who is called for them: the
// issuer, what earlier versions called it, the account and the host. t has the
// environment; protocol is the protocol's name; documented is the address in the
// provider's document, "" if there is none.
func Identify(t payment.Traits, protocol string, key Secret, api Base, documented string) payment.Traits {
	t.Account = key.AccountID(protocol)
	t.Issuer = payment.Issuer(protocol, t.Account, t.Environment)
	t.Host = protocol + "|" + api.Identity() + "|" + t.Environment
	t.FormerIssuers = []string{t.Host}
	if b, err := ParseBase("base_url", documented, false); err == nil {
		if former := protocol + "|" + b.Identity() + "|" + t.Environment; !slices.Contains(t.FormerIssuers, former) {
			t.FormerIssuers = append(t.FormerIssuers, former)
		}
	}
	return t
}
