package payment

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
)

// Ref names one record: 26 letters and digits, derived from what makes a
// payment the same payment, so that every node and every crash comes to the
// same name. It says nothing about order or amount to a stranger.
type Ref string

// ErrRef is returned for a text that is no [Ref].
var ErrRef = errors.New("not a payment reference")

var refEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// refBytes is how much of the hash a Ref keeps: 128 bits.
const refBytes = 16

// RefLen is the length of a [Ref] as text.
const RefLen = 26

// NewRef derives the name of the record of one (issuer, id, claimed order) of
// one site. Each part is hashed with its length, so that no joining of parts
// can collide with another.
func NewRef(site, issuer, id, order string) Ref {
	return Ref(refEncoding.EncodeToString(hashParts("payment", site, issuer, id, order)))
}

// ParseRef accepts exactly what [NewRef] makes.
func ParseRef(s string) (Ref, error) {
	if len(s) != RefLen {
		return "", ErrRef
	}
	// The last letter has two bits that say nothing: only one spelling counts.
	b, err := refEncoding.DecodeString(s)
	if err != nil || refEncoding.EncodeToString(b) != s {
		return "", ErrRef
	}
	return Ref(s), nil
}

// KeyKind is the kind of a uniqueness key of rule 5.
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
	// KeyIntent: which record an id was made for, (issuer, id).
	KeyIntent KeyKind = "intent"
	// KeySession: a route whose shop asks for payments only with its customer's session.
	// It is reserved, and belongs to no record.
	KeySession KeyKind = "session"
)

// Key is a uniqueness key: at most one record ever holds it. Parts are opaque.
type Key struct {
	Kind  KeyKind
	Parts [3]string
}

// ReceiptKey is the key of one success per (issuer, id).
func ReceiptKey(issuer, id string) Key { return Key{KeyReceipt, [3]string{issuer, id}} }

// NumberKey is the key of one success per provider's own receipt number, however
// the number is written.
func NumberKey(issuer, number string) Key {
	return Key{KeyNumber, [3]string{issuer, CanonicalNumber(number)}}
}

// OrderKey is the key of one success per order of a site: a test payment and a
// real one don't stand in each other's way, two providers do.
func OrderKey(site, environment, order string) Key {
	return Key{KeyOrder, [3]string{site, environment, order}}
}

// FormerOrderKey is the key that earlier versions took for an order: per name of
// a provider. It is looked up, and never taken any more.
func FormerOrderKey(site, provider, order string) Key {
	return Key{KeyOrder, [3]string{site, provider, order}}
}

// IntentKey is the key that leads from a provider's id to its intent.
func IntentKey(issuer, id string) Key { return Key{KeyIntent, [3]string{issuer, id}} }

// SessionKey is the mark of a site's route under one way of its configuration.
func SessionKey(site, route, way string) Key { return Key{KeySession, [3]string{site, route, way}} }

// Hash is the key as 16 bytes, for stores that want short fixed keys. Kinds
// never collide.
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
	return h.Sum(nil)[:refBytes]
}
