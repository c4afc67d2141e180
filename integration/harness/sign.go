package harness

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ReturnKey is the shop's key for signing returns, LookupKey the one that it is
// asked with, both made from the documentation alone.
func ReturnKey(t testing.TB, secret string) string { t.Helper(); return derived(t, secret, "return") }

// LookupKey is the bearer of `expect lookup`.
func LookupKey(t testing.TB, secret string) string { t.Helper(); return derived(t, secret, "lookup") }

func derived(t testing.TB, secret, purpose string) string {
	t.Helper()
	b, err := hkdf.Key(sha256.New, []byte(secret), nil, "caddy-payments/v1/"+purpose, 32)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

// Sign is what a shop does to its return address; origin is its site's.
func Sign(key, origin, route, provider, order string, amount int64, expires time.Time) url.Values {
	a, e := strconv.FormatInt(amount, 10), strconv.FormatInt(expires.Unix(), 10)
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(strings.Join([]string{"return-v2", origin, route, provider, order, a, e}, "\n")))
	return url.Values{"payment_order": {order}, "payment_amount": {a}, "payment_expires": {e}, "payment_signature": {hex.EncodeToString(m.Sum(nil))}}
}
