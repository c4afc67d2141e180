package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"
)

// The environments of a provider.
const (
	Live    = "live"
	Sandbox = "sandbox"
)

// What `used_ids` may say of the ids that a provider gave out before a ledger
// began.
const (
	UsedIDsNone     = "none"
	UsedIDsImported = "imported"
)

// accountLen is how many hex digits tell one account from another: 80 bits.
const accountLen = 20

// Issuer names who gives out receipts: a protocol, an account, and whether real money
// moves. No address and no name from the Caddyfile is part of it, so no used receipt
// becomes new when somebody changes those.
func Issuer(protocol, account, environment string) string {
	return protocol + "|" + account + "|" + environment
}

// SameMoney reports whether two issuers have the same protocol and environment, so that
// they differ in the account at most.
func SameMoney(a, b string) bool {
	p, e := ends(a)
	q, f := ends(b)
	return p == q && e == f
}

func ends(issuer string) (protocol, environment string) {
	first, last := strings.IndexByte(issuer, '|'), strings.LastIndexByte(issuer, '|')
	if first < 0 || first == last {
		return issuer, ""
	}
	return issuer[:first], issuer[last+1:]
}

// AccountID names an account of a protocol by its credential: a domain-separated SHA-256,
// cut to 80 bits. It is the same in every process and for ever. The credential can't be
// computed from it. A short credential could be guessed and compared, but those of
// providers are long and random.
func AccountID(protocol, credential string) string {
	h := sha256.New()
	for _, part := range []string{"caddy-payments/v1/account", protocol, strings.TrimSpace(credential)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))[:accountLen]
}

// CanonicalNumber writes a provider's receipt number as a plain decimal: 70004, 070004,
// 70004.0, 7.0004e4 and Persian digits are one number. A text that is no number is
// returned as it is.
func CanonicalNumber(s string) string {
	if s != "" && len(s) <= 128 && s[0] != '0' && digitsOnly(s) {
		return s // as nearly all are written
	}
	t := ASCIIDigits(strings.TrimSpace(s))
	if !decimal(t) {
		return t
	}
	n, ok := new(big.Rat).SetString(t)
	if !ok {
		return t
	}
	return n.RatString()
}

// decimal accepts digits with at most one point and a short exponent: what
// [big.Rat] reads in no more than a few hundred digits.
func decimal(s string) bool {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(s), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent = strings.TrimLeft(exponent, "+-")
	return whole != "" && len(s) <= 128 && digitsOnly(whole) && digitsOnly(fraction) &&
		(!hasExponent || exponent != "" && len(exponent) <= 2 && digitsOnly(exponent))
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
