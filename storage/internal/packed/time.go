package packed

import (
	"math"
	"time"
)

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
