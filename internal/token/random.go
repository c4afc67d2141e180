package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// NewNonce returns a random name of 128 bits, 22 characters of base64url.
func NewNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// IsNonce reports whether a text could be one of [NewNonce]: what a browser
// brings may be sent back to it as a cookie's value.
func IsNonce(s string) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(b) == 16 && !strings.ContainsAny(s, "\r\n")
}

// Hash returns what is kept of a browser's random name: half a SHA-256, 22
// characters of base64url. Whoever reads the ledger can't pose as the browser.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// ShortHash returns the beginning of [Hash], 72 bits, where each byte of a cookie counts.
func ShortHash(s string) string { return Hash(s)[:12] }

// crockford is Crockford's base32 alphabet, which has no I, L, O and U; its
// letters alone begin a number of an order.
const (
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	letters   = "ABCDEFGHJKMNPQRSTVWXYZ"
)

// orderLen makes 59 bits.
const orderLen = 12

// NewOrder returns the number of an order of our checkout: unguessable, and short
// enough to be read over the telephone. It begins with a letter, so that
// neither a spreadsheet nor PHP's == ever takes it for a number ("0E12").
func NewOrder() string {
	out := make([]byte, orderLen)
	out[0] = letters[below(len(letters))]
	for i := 1; i < len(out); i++ {
		out[i] = crockford[below(len(crockford))]
	}
	return string(out)
}

// below returns a uniform random number less than n, which is at most 256.
func below(n int) int {
	var b [1]byte
	for limit := 256 - 256%n; ; {
		_, _ = rand.Read(b[:])
		if int(b[0]) < limit {
			return int(b[0]) % n
		}
	}
}
