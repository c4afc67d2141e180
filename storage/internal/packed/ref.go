package packed

import (
	"encoding/base32"
	"math"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// RefSize is the length of a ref that was packed, and of a key's hash.
const RefSize = 16

var refEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Ref accepts only the one text that names the 16 bytes. The last letter of a ref has
// two spare bits, and a record with two names could be claimed twice.
func Ref(r payment.Ref) (k [RefSize]byte, ok bool) {
	if len(r) != payment.RefLen {
		return k, false
	}
	var b [RefSize + 1]byte
	n, err := refEncoding.Decode(b[:], []byte(r))
	if err != nil || n != RefSize {
		return k, false
	}
	copy(k[:], b[:])
	return k, RefOf(k[:]) == r
}

// RefOf gives the ref that 16 bytes name.
func RefOf(b []byte) payment.Ref {
	return payment.Ref(refEncoding.EncodeToString(b))
}

// Time maps times to numbers of the same order, which fit into 63 bits. Times
// that nanoseconds since 1970 can't hold are clamped: no payment has one.
func Time(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	if t.Unix() < 0 {
		return 1
	}
	if t.Year() >= 2262 {
		return math.MaxInt64
	}
	return uint64(t.UnixNano())
}
