package token

import (
	"crypto/hmac"
	"encoding/hex"

	"github.com/rahgir/caddy-payments/payment"
)

// ParamRef is the parameter that our checkout adds to the return address.
const ParamRef = "payment_ref"

// refDigits is how much of the hex HMAC is kept: 128 bits. Return addresses
// have to be short.
const refDigits = 32

// SignRef gives the value of payment_ref: "<reference>.<32 hex digits>". It
// does not expire: a customer may come back late.
func (k *Keys) SignRef(ref payment.Ref, site string) string {
	return string(ref) + "." + k.derived[payment.PurposeBounce][0].ref(ref, site)
}

// OpenRef reads the value of payment_ref, made for one of the names of a site.
func (k *Keys) OpenRef(text string, sites []string) (payment.Ref, error) {
	if len(text) != payment.RefLen+1+refDigits || text[payment.RefLen] != '.' {
		return "", ErrInvalid
	}
	ref, err := payment.ParseRef(text[:payment.RefLen])
	if err != nil {
		return "", ErrInvalid
	}
	for _, d := range k.derived[payment.PurposeBounce] {
		for _, site := range sites {
			if hmac.Equal([]byte(d.ref(ref, site)), []byte(text[payment.RefLen+1:])) {
				return ref, nil
			}
		}
	}
	return "", ErrInvalid
}

func (d *key) ref(ref payment.Ref, site string) string {
	return hex.EncodeToString(d.mac(nil, []byte("ref-v1\n"+site+"\n"+string(ref))))[:refDigits]
}
