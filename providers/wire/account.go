package wire

import (
	"slices"

	"github.com/rahgir/caddy-payments/payment"
)

// AccountID tells whose account this secret opens from those of other secrets of
// the protocol, for [payment.Traits]; "" where there is no secret. Blanks
// around it don't count: they don't get as far as the provider.
func (s Secret) AccountID(protocol string) string {
	if s.text == nil {
		return ""
	}
	return payment.AccountID(protocol, *s.text)
}

// Identify fills in who gives out the receipts and who is called for them: the
// issuer, what earlier versions called it, the account and the host. t has the
// environment; protocol is the protocol's name; documented is the address in the
// provider's document, "" where there is none.
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
