package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"time"

	"github.com/rahgir/caddy-payments/storage"
)

const format = 1

// head is an archive's first line.
type head struct {
	Archive int       `json:"caddy_payments_ledger"`
	ID      string    `json:"id"`
	Seq     uint32    `json:"generation"`
	Start   time.Time `json:"start"`
}

// hash is what the last line says of the first: the items' sum doesn't cover it.
func (h head) hash() string {
	line, _ := json.Marshal(h)
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// tail is its last. Nothing comes after it.
type tail struct {
	End *Summary `json:"end"`
	// Head is the first line's hash.
	Head string `json:"head"`
}

// Summary says what a ledger holds. Two ledgers with the same summary hold the
// same, in whatever order.
type Summary struct {
	Counts map[storage.Kind]int64 `json:"counts"`
	Sum    string                 `json:"sum"`
}

// Total returns how many items there are.
func (s Summary) Total() (n int64) {
	for _, c := range s.Counts {
		n += c
	}
	return n
}

func (s Summary) equal(o Summary) bool { return s.Sum == o.Sum && maps.Equal(s.Counts, o.Counts) }

// adder adds the items' hashes up, as numbers of 256 bits, so that their order
// does not matter.
type adder struct {
	counts map[storage.Kind]int64
	sum    [4]uint64
}

func newAdder() *adder { return &adder{counts: make(map[storage.Kind]int64)} }

func (a *adder) add(it storage.Item) {
	a.counts[it.Kind]++
	h := sha256.New()
	var n [8]byte
	for _, part := range [][]byte{[]byte(it.Kind), it.Name, it.Value} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		_, _ = h.Write(n[:])
		_, _ = h.Write(part)
	}
	hash := h.Sum(nil)
	carry := uint64(0)
	for i := range a.sum {
		a.sum[i], carry = bits.Add64(a.sum[i], binary.LittleEndian.Uint64(hash[8*i:]), carry)
	}
}

func (a *adder) summary() Summary {
	b := make([]byte, 0, 32)
	for _, v := range a.sum {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return Summary{a.counts, hex.EncodeToString(b)}
}

func (a *adder) total() int64 { return a.summary().Total() }

// scan reads an archive up to its last whole line and reports where that ends;
// end is nil if the archive is not complete.
func scan(r io.Reader, isHead func(head) error, each func(storage.Item) error) (all *adder, at int64, end *Summary, err error) {
	all = newAdder()
	in := bufio.NewReaderSize(r, 1<<20)
	var h head
	for first := true; ; first = false {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, at, nil, nil // what has no end of line was cut off
		}
		if err != nil {
			return all, at, nil, fmt.Errorf("reading the archive: %w", err)
		}
		switch {
		case first:
			if json.Unmarshal(line, &h) != nil || h.Archive == 0 {
				return all, at, nil, ErrShape
			}
			if h.Archive != format {
				return all, at, nil, fmt.Errorf("%w that this version knows: format %d", ErrShape, h.Archive)
			}
			if err := isHead(h); err != nil {
				return all, at, nil, err
			}
		case bytes.HasPrefix(line, []byte(`{"end":`)):
			var t tail
			if json.Unmarshal(line, &t) != nil || t.End == nil || !t.End.equal(all.summary()) || t.Head != h.hash() {
				return all, at, nil, fmt.Errorf("%w: it was changed", ErrShape)
			}
			// What follows the end is covered by no sum, and may be the ledger that somebody meant.
			switch _, err := in.ReadByte(); {
			case err == nil:
				return all, at, nil, fmt.Errorf("%w: something follows its end at byte %d; if files were joined, take them apart", ErrShape, at+int64(len(line)))
			case !errors.Is(err, io.EOF):
				return all, at, nil, fmt.Errorf("reading the archive: %w", err)
			}
			return all, at, t.End, nil
		default:
			var it storage.Item
			if json.Unmarshal(line, &it) != nil || it.Kind == "" || len(it.Name) == 0 {
				return all, at, nil, fmt.Errorf("%w: line after byte %d", ErrShape, at)
			}
			all.add(it)
			if each != nil {
				if err := each(it); err != nil {
					return all, at, nil, err
				}
			}
		}
		at += int64(len(line))
	}
}
