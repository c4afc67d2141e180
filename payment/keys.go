package payment

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Purpose says what a derived key is for. Every purpose has its own key, so a key that a
// shop knows can sign only what the shop may sign.
type Purpose string

// The purposes. A shop gets the keys for return, receipt and lookup.
const (
	PurposeReturn  Purpose = "return"
	PurposeReceipt Purpose = "receipt"
	PurposeTrack   Purpose = "track"
	PurposeBounce  Purpose = "bounce"
	PurposePaid    Purpose = "paid"
	// PurposeLookup is the bearer token with which we ask a shop. It signs nothing.
	PurposeLookup Purpose = "lookup"
	// PurposeRelay encrypts providers' answers that a shop has not received yet.
	PurposeRelay Purpose = "relay"
)

// MinSecret is the shortest secret accepted, in bytes.
const MinSecret = 32

// ErrShortSecret is returned for a secret of less than [MinSecret] bytes.
var ErrShortSecret = errors.New("the signing key is shorter than 32 bytes")

// SigningKey is a secret with its name.
type SigningKey struct {
	KID    string
	Secret []byte
}

// NewSigningKey names a secret: kid, or the first eight hex digits of its
// SHA-256.
func NewSigningKey(secret []byte, kid string) (SigningKey, error) {
	if len(secret) < MinSecret {
		return SigningKey{}, ErrShortSecret
	}
	if kid == "" {
		sum := sha256.Sum256(secret)
		kid = hex.EncodeToString(sum[:4])
	}
	return SigningKey{KID: kid, Secret: secret}, nil
}

// Derive returns the key of one purpose: HKDF-SHA256 without salt, info
// "caddy-payments/v1/<purpose>", 32 bytes, as their 64-character lower-case
// hex text, so that every language's HMAC takes it as a string.
func (k SigningKey) Derive(p Purpose) ([]byte, error) {
	b, err := hkdf.Key(sha256.New, k.Secret, nil, "caddy-payments/v1/"+string(p), 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the %s key: %w", p, err)
	}
	return []byte(hex.EncodeToString(b)), nil
}
