package packed

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

const timeSize = 8

// trackFormat is the first byte of every track.
const trackFormat = 1

// Visitor returns the key of a visitor's track: half a hash, so that a ledger holds no
// visitor's cookie.
func Visitor(visitor string) []byte {
	sum := sha256.Sum256([]byte(visitor))
	return sum[:16]
}

// Track returns a visitor's track with its expiry.
func Track(t payment.Track, expires time.Time) ([]byte, error) {
	w := wire{base: epoch}
	walkTrack(&w, &t)
	return append(binary.BigEndian.AppendUint64([]byte{trackFormat}, Time(expires)), w.buf...), w.err
}

// DecodeTrack reads what Track wrote; expires is as [Time] gives it.
func DecodeTrack(b []byte) (t payment.Track, expires uint64, err error) {
	if len(b) < 1+timeSize {
		return t, 0, fmt.Errorf("%w: track", ErrCorrupt)
	}
	if b[0] != trackFormat {
		return t, 0, otherFormat("a track", b[0], trackFormat)
	}
	w := wire{base: epoch}
	w.parse(b[1+timeSize:])
	walkTrack(&w, &t)
	w.release()
	return t, binary.BigEndian.Uint64(b[1:]), w.err
}
