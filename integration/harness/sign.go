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

// ReturnKey is the shop's key, made from the documentation alone.
func ReturnKey(t testing.TB, secret string) string {
	t.Helper()
	b, err := hkdf.Key(sha256.New, []byte(secret), nil, "caddy-payments/v1/return", 32)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

// Sign is what a shop does to its return address.
func Sign(key, route, provider, order string, amount int64, expires time.Time) url.Values {
	a, e := strconv.FormatInt(amount, 10), strconv.FormatInt(expires.Unix(), 10)
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(strings.Join([]string{"return-v1", route, provider, order, a, e}, "\n")))
	return url.Values{"payment_order": {order}, "payment_amount": {a}, "payment_expires": {e}, "payment_signature": {hex.EncodeToString(m.Sum(nil))}}
}
