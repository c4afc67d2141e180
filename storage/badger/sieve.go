package badger

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// A key for each thing that a payment is found by would cost as much room as the
// payment. So a payment's entry in the list of creation has short hashes of them as its
// value, and of the payments of a while there is one sieve, a Bloom filter, which says
// whether any of them may have a hash. Whoever looks for something walks the sieves, and
// the entries of those that let it pass.
//
// Invariant: whatever a payment is found by is either in its entry of tableCreated,
// where the payment was created at or after the boundary or a sieve has its time, or has
// a key in tableFind. The boundary only grows; what is older than it changes no entry.

// metaBoundary has the boundary: payments that were created before it have gone through
// a sieve. A ledger without one has no sieve yet.
var metaBoundary = []byte{tableMeta, 'b'} //nolint:gochecknoglobals // a constant

// termSize is the length of a hash in an entry.
const termSize = 3

type termHash [termSize]byte

func hashOf(t payment.Term) (h termHash) {
	sum := sha256.Sum256(append([]byte{byte(t.Field)}, t.Value...))
	copy(h[:], sum[findSize:])
	return h
}

// hashes are those of a record's terms, as its entry has them.
func hashes(terms []payment.Term) string {
	all := make([]byte, 0, len(terms)*termSize)
	for _, t := range terms {
		h := hashOf(t)
		all = append(all, h[:]...)
	}
	return string(all)
}

// terms are what a record must be found by in an index.
func terms(e *packed.Entry) []payment.Term {
	return slices.DeleteFunc(e.Rec.Terms(), func(t payment.Term) bool {
		// The uniqueness keys lead to it.
		return e.Receipt && (t.Field == payment.FieldID || t.Field == payment.FieldNumber)
	})
}

// has reports whether an entry has one of the hashes.
func has(entry []byte, want []termHash) bool {
	for ; len(entry) >= termSize; entry = entry[termSize:] {
		if slices.Contains(want, termHash(entry)) {
			return true
		}
	}
	return false
}

// sieveKey leads from a time to the sieve that has it: the first key at or after
// sieveKey(t) is of the newest sieve that begins at or before t.
func sieveKey(from uint64) []byte { return timed(tableSieve, ^from, nil) }

// A sieve's value is the time at which it ends, exclusive, and its bits.
func newSieve(to uint64, entries [][]byte) []byte {
	n := 0
	for _, e := range entries {
		n += len(e) / termSize
	}
	bits := make([]byte, max(1, n*sieveBits/8))
	for _, e := range entries {
		for ; len(e) >= termSize; e = e[termSize:] {
			each(termHash(e), bits, func(i uint32) bool { bits[i/8] |= 1 << (i % 8); return true })
		}
	}
	return append(binary.BigEndian.AppendUint64(nil, to), bits...)
}

const (
	sieveBits   = 8 // for each hash: one of fifty that it doesn't have passes
	sieveProbes = 5
)

// each calls f for the places of a hash, until it says no.
func each(h termHash, bits []byte, f func(uint32) bool) bool {
	x := uint64(h[0])<<16 | uint64(h[1])<<8 | uint64(h[2])
	// SplitMix64, since 24 bits are too few for five places.
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	a, b := uint32(x), uint32(x>>32)|1 //nolint:gosec // its halves
	n := uint32(len(bits)) * 8         //nolint:gosec // a few thousand
	for range sieveProbes {
		if !f(a % n) {
			return false
		}
		a += b
	}
	return true
}

// passes reports whether a sieve may have one of the hashes.
func passes(bits []byte, want []termHash) bool {
	return len(bits) == 0 || slices.ContainsFunc(want, func(h termHash) bool {
		return each(h, bits, func(i uint32) bool { return bits[i/8]&(1<<(i%8)) != 0 })
	})
}
