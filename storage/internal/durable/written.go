package durable

import "bytes"

// zeros is what room kept ahead in a file reads as.
var zeros [4 << 10]byte

// Written returns a file's content without the zeros at its end. Files of a ledger
// keep megabytes of room ahead, and every start looks for where it begins.
func Written(b []byte) []byte {
	for len(b) >= len(zeros) && bytes.Equal(b[len(b)-len(zeros):], zeros[:]) {
		b = b[:len(b)-len(zeros)]
	}
	return bytes.TrimRight(b, "\x00")
}
