package payment

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
)

// Ref names a record by 26 letters and digits. It is derived from what identifies the
// payment, so every node, also after a crash, comes to the same name. It tells a stranger
// nothing about order or amount.
type Ref string

// ErrRef is returned for a text that is no [Ref].
var ErrRef = errors.New("not a payment reference")

var refEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// RefBytes is how much of the hash a [Ref] keeps: 128 bits.
const RefBytes = 16

// RefLen is the length of a [Ref] as text.
const RefLen = 26

// NewRef derives the name of the record for an issuer, id and claimed order at a site.
// Each part is hashed with its length, so different parts never collide when joined.
func NewRef(site, issuer, id, order string) Ref {
	return RefOf(hashParts("payment", site, issuer, id, order))
}

// CheckoutRef derives the name of the record of a payment that our own checkout starts.
// The return address must name the record before the provider has given an id, so the
// name comes from the order, which the checkout makes and never repeats.
func CheckoutRef(site, issuer, order string) Ref { return NewRef(site, issuer, "checkout", order) }

// ParseRef accepts exactly what [NewRef] makes.
func ParseRef(s string) (Ref, error) {
	if _, ok := Ref(s).Bytes(); !ok {
		return "", ErrRef
	}
	return Ref(s), nil
}

// Bytes returns the 16 bytes that a reference names. ok is false for a text that
// [NewRef] does not make. The last letter has two spare bits, and a record with two
// names could be claimed twice, so only one spelling counts.
func (r Ref) Bytes() (b [RefBytes]byte, ok bool) {
	if len(r) != RefLen {
		return b, false
	}
	var room [RefBytes + 1]byte
	n, err := refEncoding.Decode(room[:], []byte(r))
	if err != nil || n != RefBytes {
		return b, false
	}
	copy(b[:], room[:])
	var again [RefLen]byte
	refEncoding.Encode(again[:], b[:])
	return b, string(again[:]) == string(r)
}

// RefOf returns the reference that 16 bytes name.
func RefOf(b []byte) Ref { return Ref(refEncoding.EncodeToString(b)) }

// KeyKind is the kind of a uniqueness key (rule 5).
type KeyKind string

// The kinds.
const (
	// KeyReceipt: one success per (issuer, id), for ever.
	KeyReceipt KeyKind = "receipt"
	// KeyNumber: one success per provider's own receipt number (IDPay
	// track_id), for ever.
	KeyNumber KeyKind = "number"
	// KeyOrder: one success per (site, environment, order), whichever provider
	// took it, unless `orders many`.
	KeyOrder KeyKind = "order"
	// KeyIntent: the record for which an id was made, by (issuer, id).
	KeyIntent KeyKind = "intent"
	// KeySold: one sale per (site, environment, order) on the shop's word alone.
	KeySold KeyKind = "sold"
	// KeySession: a route whose shop asks for payments only with its customer's session.
	// It is reserved, and belongs to no record.
	KeySession KeyKind = "session"
)

// Key is a uniqueness key. At most one record ever holds it. Parts are opaque.
type Key struct {
	Kind  KeyKind
	Parts [3]string
}

// ReceiptKey returns the key of one success per (issuer, id).
func ReceiptKey(issuer, id string) Key { return Key{KeyReceipt, [3]string{issuer, id}} }

// NumberKey returns the key of one success per provider's own receipt number, however
// the number is written.
func NumberKey(issuer, number string) Key {
	return Key{KeyNumber, [3]string{issuer, CanonicalNumber(number)}}
}

// OrderKey returns the key of one success per order of a site. A test payment and a real
// one have different keys; payments of two providers have the same.
func OrderKey(site, environment, order string) Key {
	return Key{KeyOrder, [3]string{site, environment, order}}
}

// SoldKey returns the key of one sale per order of a site that the shop's word alone proves.
// after is empty, or the payment that sold the order before and whose money went back.
func SoldKey(site, environment, order string, after Ref) Key {
	if after != "" {
		order += "\x00" + string(after) // no order has a control character
	}
	return Key{KeySold, [3]string{site, environment, order}}
}

// IntentKey returns the key that leads from a provider's id to its intent.
func IntentKey(issuer, id string) Key { return Key{KeyIntent, [3]string{issuer, id}} }

// SessionKey returns the mark of a site's route under one way of its configuration.
func SessionKey(site, route, way string) Key { return Key{KeySession, [3]string{site, route, way}} }

// Hash returns the key as 16 bytes, for stores that want short keys of a fixed length.
// Keys of different kinds never collide.
func (k Key) Hash() []byte {
	return hashParts(string(k.Kind), k.Parts[0], k.Parts[1], k.Parts[2])
}

func hashParts(parts ...string) []byte {
	h := sha256.New()
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p))) //nolint:gosec // parameters are bounded to 64 KiB
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)[:RefBytes]
}
