package packed

import (
	"encoding/hex"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The first byte of a packed string. Ids are mostly hex and references mostly
// digits, which no compression of blocks makes smaller; half a byte a letter
// does.
const (
	packNone   = 0 // a string that begins like a packed one
	packHex    = 1
	packNumber = 2
	packLast   = packNumber
)

func appendText(b []byte, s string) []byte {
	if decimal(s) {
		if v, err := strconv.ParseUint(s, 10, 64); err == nil {
			return protowire.AppendVarint(append(b, packNumber), v)
		}
	}
	if len(s) >= 8 && len(s)%2 == 0 && lowerHex(s) {
		b = append(append(b, packHex), s...)
		text := b[len(b)-len(s):]
		n, _ := hex.Decode(text, text) // in place: s is not copied
		return b[:len(b)-len(s)+n]
	}
	if s[0] <= packLast {
		b = append(b, packNone)
	}
	return append(b, s...)
}

// decimal reports whether s is a number that survives being read and printed.
func decimal(s string) bool {
	if len(s) < 4 || len(s) > 18 || s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func unpackText(b []byte) (string, bool) {
	if len(b) == 0 || b[0] > packLast {
		return string(b), true
	}
	switch b[0] {
	case packHex:
		return hex.EncodeToString(b[1:]), true
	case packNumber:
		v, n := protowire.ConsumeVarint(b[1:])
		return strconv.FormatUint(v, 10), n == len(b)-1
	default:
		return string(b[1:]), true
	}
}
