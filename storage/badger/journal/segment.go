package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/storage/internal/crc"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// A segment begins with
//
//	magic    8 bytes, with the format
//	id      32, of the journal
//	number   8
//	version  8, of the frame before its first
//	hash    16, of that frame
//	crc      4
//
// and is followed by frames, and by zeros up to its end.
const (
	segmentMagic = "PAYJRNL\x01"
	segmentHead  = 8 + 32 + 8 + 8 + hashSize + 4
	segmentExt   = ".log"
)

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%08d%s", number, segmentExt))
}

// segments lists the numbers of the segments in dir, in order.
func segments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), segmentExt)
		if n, err := strconv.ParseUint(name, 10, 64); ok && err == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

func segmentHeader(id string, number, version uint64, hash Hash) []byte {
	b := make([]byte, 0, segmentHead)
	b = append(b, segmentMagic...)
	b = append(b, id...)
	b = binary.BigEndian.AppendUint64(b, number)
	b = binary.BigEndian.AppendUint64(b, version)
	b = append(b, hash[:]...)
	return binary.BigEndian.AppendUint32(b, crc.Of(b))
}

// position is a place between two frames.
type position struct {
	version uint64
	hash    Hash
}

// readSegment hands each frame of a segment to f. It returns where the last one
// ends, in the chain and in the file, and what lies behind it, without the zeros
// that are there anyway.
func readSegment(dir, id string, number uint64, at position, f func(Frame) error) (end position, used int64, rest []byte, err error) {
	b, err := os.ReadFile(segmentPath(dir, number))
	if err != nil {
		return at, 0, nil, err
	}
	if want := segmentHeader(id, number, at.version, at.hash); !bytes.HasPrefix(b, want) {
		return at, 0, durable.Written(b), errNoHeader
	}
	used = segmentHead
	for {
		b := b[used:]
		fr, hash, size, ok := parseFrame(b)
		if !ok || fr.Version <= at.version || !follows(at.hash, b, hash, fr) {
			return at, used, durable.Written(b), nil
		}
		if err := f(fr); err != nil {
			return at, used, nil, err
		}
		at, used = position{fr.Version, hash}, used+int64(size)
	}
}
