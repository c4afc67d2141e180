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

// Issuer names who gives out receipts: a protocol, an account at it, and whether
// real money moves. Uniqueness is of money, not of text: no address and no name
// of the Caddyfile is part of it, so writing those otherwise makes no used
// receipt new.
func Issuer(protocol, account, environment string) string {
	return protocol + "|" + account + "|" + environment
}

// SameMoney reports whether two issuers differ in the account at most: the same
// protocol, and both real or both play money. What an earlier version of this
// program called an issuer, with a host in the middle, is understood.
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

// AccountID tells accounts of one protocol apart by the credential that opens
// them: a domain-separated SHA-256, cut to 80 bits. It is the same in every
// process and for all time. The credential can't be read from it; one that could
// be guessed could be tried against it, and providers' can't.
func AccountID(protocol, credential string) string {
	h := sha256.New()
	for _, part := range []string{"caddy-payments/v1/account", protocol, strings.TrimSpace(credential)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))[:accountLen]
}

// CanonicalNumber writes a provider's receipt number as plain decimal: 70004,
// 070004, 70004.0, 7.0004e4 and Persian digits are one number. What is no number
// stays as it is.
func CanonicalNumber(s string) string {
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
	return strings.Trim(s, "0123456789") == ""
}
