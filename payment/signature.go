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

// The parameters that a shop appends to its return URL for `expect signed`.
const (
	ParamOrder     = "payment_order"
	ParamAmount    = "payment_amount"
	ParamExpires   = "payment_expires"
	ParamSignature = "payment_signature"
)

// ErrSignature is returned for a signature that the shop did not make.
var ErrSignature = errors.New("the return is not signed by the shop")

// Signed is what a shop signs: order, price, and until when the price is valid.
type Signed struct {
	// Origin is the site's origin: scheme, host, and the port if it is not the scheme's;
	// or public_url as written, without a last slash.
	Origin string
	// Route is the verify route's first path as written, or "/" if it has only a matcher.
	// Provider is the name in the configuration.
	Route    string
	Provider string
	Order    string
	Amount   Rials
	Expires  time.Time
}

// minDigits is how many hex digits of the signature are needed: 128 bits. Some shops can
// keep only 255 characters of a return URL.
const minDigits = 32

// Sign returns the lower-case hex HMAC-SHA256 of s under a `return` key. It names the
// site's origin, so that a sister shop's signature is not accepted.
func (s Signed) Sign(key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(strings.Join([]string{"return-v2", s.Origin, s.Route, s.Provider, s.Order, s.Amount.String(),
		strconv.FormatInt(s.Expires.Unix(), 10)}, "\n")))
	return hex.EncodeToString(m.Sum(nil))
}

// ReadSigned reads a signed return and checks it with each of the keys. origin, route and
// provider say where the return has come to. An expired price is no error, because the
// customer may have paid: see [Expectation.Late]. For malformed fields the error wraps
// ErrMalformed. A wrong signature is ErrSignature.
func ReadSigned(get func(string) string, origin, route, provider string, keys [][]byte) (Signed, error) {
	s := Signed{Origin: strings.TrimSuffix(origin, "/"), Route: route, Provider: provider, Order: get(ParamOrder)}
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
