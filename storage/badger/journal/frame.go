package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/rahgir/caddy-payments/storage/internal/crc"
)

// A frame is
//
//	magic    4 bytes
//	length   4, of the payload; never zero
//	version  8, of the commit; it grows from frame to frame
//	crc      4, CRC-32C of length, version and payload
//	hash    16, of the frame before it, length, version and payload
//	payload
//
// The checksum tells a whole frame from a torn one by itself; the hash binds it to the
// frame before it.
const (
	frameMagic = 0x9A17F4A3
	frameHead  = 4 + 4 + 8 + 4 + hashSize
	hashSize   = 16
	// MaxPayload bounds a frame, so that a damaged length is recognised.
	MaxPayload = 16 << 20
)

// Hash binds a frame to all that came before it.
type Hash [hashSize]byte

// Frame is one commit.
type Frame struct {
	Version uint64
	Payload []byte
}

func chain(prev Hash, head, payload []byte) (h Hash) {
	d := sha256.New()
	d.Write(prev[:])
	d.Write(head)
	d.Write(payload)
	copy(h[:], d.Sum(nil))
	return h
}

// appendFrame adds a frame to b and returns the hash that the next one follows.
func appendFrame(b []byte, prev Hash, f Frame) ([]byte, Hash) {
	b = binary.BigEndian.AppendUint32(b, frameMagic)
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Payload)))
	b = binary.BigEndian.AppendUint64(b, f.Version)
	head := b[at : at+12]
	hash := chain(prev, head, f.Payload)
	b = binary.BigEndian.AppendUint32(b, crc.Of(head, f.Payload))
	b = append(b, hash[:]...)
	return append(b, f.Payload...), hash
}

// parseFrame reads the frame at the start of b, whatever came before it.
func parseFrame(b []byte) (f Frame, hash Hash, size int, ok bool) {
	if len(b) < frameHead || binary.BigEndian.Uint32(b) != frameMagic {
		return f, hash, 0, false
	}
	n := binary.BigEndian.Uint32(b[4:])
	if n == 0 || n > MaxPayload || int(n) > len(b)-frameHead {
		return f, hash, 0, false
	}
	f = Frame{Version: binary.BigEndian.Uint64(b[8:]), Payload: b[frameHead : frameHead+int(n)]}
	if crc.Of(b[4:16], f.Payload) != binary.BigEndian.Uint32(b[16:]) {
		return f, hash, 0, false
	}
	copy(hash[:], b[20:])
	return f, hash, frameHead + int(n), true
}

// follows reports whether a frame that was parsed is the one after prev.
func follows(prev Hash, b []byte, hash Hash, f Frame) bool {
	return chain(prev, b[4:16], f.Payload) == hash
}

// anyFrame reports whether there is a whole frame anywhere in b.
func anyFrame(b []byte) bool {
	magic := binary.BigEndian.AppendUint32(nil, frameMagic)
	for {
		i := bytes.Index(b, magic)
		if i < 0 {
			return false
		}
		if _, _, _, ok := parseFrame(b[i:]); ok {
			return true
		}
		b = b[i+1:]
	}
}
