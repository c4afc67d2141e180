package payment

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The parameters that a shop appends to its return URL under `expect signed`.
const (
	ParamOrder     = "payment_order"
	ParamAmount    = "payment_amount"
	ParamExpires   = "payment_expires"
	ParamSignature = "payment_signature"
)

// ErrSignature is returned for a signature that is not the shop's.
var ErrSignature = errors.New("the return is not signed by the shop")

// Signed is what a shop signs: order and price, and until when the price
// stands.
type Signed struct {
	// Route is the verify route's first path as written, "/" where it has only
	// a matcher; Provider is the name in the configuration.
	Route    string
	Provider string
	Order    string
	Amount   Rials
	Expires  time.Time
}

// minDigits is how much of the hex signature must be there: 128 bits, for the
// shops that keep return URLs in 255 characters.
const minDigits = 32

// Sign returns the lower-case hex HMAC-SHA256 of s under a `return` key.
func (s Signed) Sign(key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(strings.Join([]string{
		"return-v1", s.Route, s.Provider, s.Order, s.Amount.String(),
		strconv.FormatInt(s.Expires.Unix(), 10),
	}, "\n")))
	return hex.EncodeToString(m.Sum(nil))
}

// ReadSigned reads and checks a signed return with any of the keys. An expired
// price is not an error: the customer may have paid, see [Expectation.Late].
// Malformed fields wrap ErrMalformed, a wrong signature is ErrSignature.
func ReadSigned(get func(string) string, route, provider string, keys [][]byte) (Signed, error) {
	s := Signed{Route: route, Provider: provider, Order: get(ParamOrder)}
	if err := CheckOrder(s.Order); err != nil {
		return Signed{}, fmt.Errorf("%w: %s", ErrMalformed, ParamOrder)
	}
	amount, err := ParseRials(get(ParamAmount))
	if err != nil {
		return Signed{}, fmt.Errorf("%w: %s", ErrMalformed, ParamAmount)
	}
	expires, err := ParseRials(get(ParamExpires)) // the same strict decimal grammar
	if err != nil {
		return Signed{}, fmt.Errorf("%w: %s", ErrMalformed, ParamExpires)
	}
	s.Amount, s.Expires = amount, time.Unix(int64(expires), 0).UTC()
	given := get(ParamSignature)
	if len(given) < minDigits || len(given) > sha256.Size*2 {
		return Signed{}, ErrSignature
	}
	for _, key := range keys {
		want := s.Sign(key)[:len(given)]
		if hmac.Equal([]byte(want), []byte(given)) {
			return s, nil
		}
	}
	return Signed{}, ErrSignature
}

// maxOrder is the longest order, in bytes.
const maxOrder = 64

// CheckOrder accepts 1–64 bytes of UTF-8 without control characters.
func CheckOrder(s string) error {
	if s == "" || len(s) > maxOrder || !utf8.ValidString(s) {
		return ErrMalformed
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ErrMalformed
		}
	}
	return nil
}
