package badger

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Every key begins with the letter of its table. Keys are short and of fixed
// length: they are most of what a payment costs on disk. Times in keys are
// nanoseconds; those of listings are inverted, so that a forward scan gives the
// newest first.
const (
	tableRecord  = 'r' // ref → record
	tableUnique  = 'k' // hash of a uniqueness key → ref, or nothing if reserved
	tableDue     = 'd' // due, ref
	tableCreated = 'c' // inverted creation, ref → short hashes of what it is found by, see sieve.go
	tableSieve   = 'b' // inverted time → end, Bloom filter of the hashes of the payments in between
	tableFind    = 'x' // short hash of what an older payment is found by, inverted creation, start of ref
	tableScope   = 'p' // short hash of site and provider, inverted creation, start of ref
	tableNotice  = 'a' // states that people look for, inverted creation, ref
	tableTrack   = 't' // hash of a visitor → track
	tableExpiry  = 'e' // expiry, hash of a visitor → version that put the track
	tableAge     = 'o' // version that put the track, hash of a visitor
	tableSecret  = 's' // name → secret
	tableMeta    = 'm' // what the store knows of itself
)

const (
	refSize  = payment.RefBytes
	timeSize = 8
	findSize = 5 // of the hash in tableFind; what collides is filtered out
	findTail = 3 // of the ref in tableFind, for records of one nanosecond
)

var (
	metaFormat     = []byte{tableMeta, 'f'}
	metaGeneration = []byte{tableMeta, 'g'}
	metaHigh       = []byte{tableMeta, 'h'}
	metaClean      = []byte{tableMeta, 'c'}
)

// issuerKey notes that there are receipts of an issuer, so that a payment can
// be looked for by its id alone: for each issuer there is one receipt's key.
func issuerKey(issuer string) []byte { return append([]byte{tableMeta, metaIssuer}, issuer...) }

const metaIssuer = 'i'

type refKey [refSize]byte

func recordKey(r refKey) []byte { return append([]byte{tableRecord}, r[:]...) }

func uniqueKey(k payment.Key) []byte { return append([]byte{tableUnique}, k.Hash()...) }

func timed(table byte, t uint64, tail []byte) []byte {
	b := make([]byte, 0, 1+timeSize+len(tail))
	b = append(b, table)
	b = binary.BigEndian.AppendUint64(b, t)
	return append(b, tail...)
}

func createdKey(t time.Time, r refKey) []byte { return timed(tableCreated, ^packed.Time(t), r[:]) }

func findPrefix(field byte, value string) []byte {
	sum := sha256.Sum256(append([]byte{field}, value...))
	return append([]byte{tableFind}, sum[:findSize]...)
}

// pointed returns a key that leads to a record by its creation and the beginning of its ref.
func pointed(prefix []byte, created uint64, r refKey) []byte {
	return append(binary.BigEndian.AppendUint64(prefix, ^created), r[:findTail]...)
}

func noticeKey(class byte, created uint64, r refKey) []byte {
	b := append(make([]byte, 0, 2+timeSize+refSize), tableNotice, class)
	b = binary.BigEndian.AppendUint64(b, ^created)
	return append(b, r[:]...)
}

func trackKey(hash []byte) []byte { return append([]byte{tableTrack}, hash...) }

func secretKey(name string) []byte { return append([]byte{tableSecret}, name...) }
