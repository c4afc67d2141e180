// Package token makes and checks everything that this module signs: the receipt that a
// shop trusts, the cookies, the token of the bounce page, and the reference in a return
// address. It also makes the random names that go with them.
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"sync"

	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// Errors of reading. Neither says which part was wrong.
var (
	// ErrInvalid: not signed by us for this use.
	ErrInvalid = errors.New("not one of our tokens")
	// ErrExpired: ours, but its time is over.
	ErrExpired = errors.New("the token has expired")
)

// purposes are those that keys are derived for.
var purposes = [...]payment.Purpose{
	payment.PurposeReturn, payment.PurposeReceipt, payment.PurposeTrack,
	payment.PurposeBounce, payment.PurposePaid, payment.PurposeLookup, payment.PurposeRelay,
}

// Keys are the signing keys of one site, derived for each purpose once. The
// first signs, all verify. It is safe for concurrent use.
type Keys struct {
	derived map[payment.Purpose][]key
}

// key is one secret's key of one purpose.
type key struct {
	kid    string
	secret []byte
	// headers by the token's type, of the first key alone.
	headers map[string]string
	// signers pools keyed HMAC states: keying one takes longer than a short message does.
	signers *sync.Pool
}

// signer signs with one key, and has room to write on.
type signer struct {
	hmac hash.Hash
	room []byte
}

func newKey(kid string, secret []byte) key {
	return key{kid: kid, secret: secret, signers: new(sync.Pool)}
}

// signer takes a state from the pool, or makes one. The caller puts it back.
func (d *key) signer() *signer {
	if p, ok := d.signers.Get().(*signer); ok {
		return p
	}
	return &signer{hmac: hmac.New(sha256.New, d.secret)}
}

// mac appends the HMAC-SHA256 of a text.
func (p *signer) mac(to, text []byte) []byte {
	p.hmac.Reset()
	p.hmac.Write(text)
	return p.hmac.Sum(to)
}

// mac appends the HMAC-SHA256 of a text.
func (d *key) mac(to, text []byte) []byte {
	p := d.signer()
	defer d.signers.Put(p)
	return p.mac(to, text)
}

// NewKeys derives the keys of all purposes. Two secrets may not share a kid.
func NewKeys(secrets ...payment.SigningKey) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no signing key")
	}
	seen := make(map[string]bool, len(secrets))
	for _, s := range secrets {
		if len(s.Secret) < payment.MinSecret {
			return nil, payment.ErrShortSecret
		}
		if seen[s.KID] {
			return nil, fmt.Errorf("two signing keys have %s", quote.Called("name", s.KID))
		}
		seen[s.KID] = true
	}
	k := &Keys{derived: make(map[payment.Purpose][]key, len(purposes))}
	for _, p := range purposes {
		for i, s := range secrets {
			b, err := s.Derive(p)
			if err != nil {
				return nil, err
			}
			d := newKey(s.KID, b)
			if i == 0 {
				if d.headers, err = headers(p, d); err != nil {
					return nil, err
				}
			}
			k.derived[p] = append(k.derived[p], d)
		}
	}
	return k, nil
}

// kept are the purposes of what only we read. What a shop signs, and the bearer by which it
// knows us, are made with keys that it knows, and nobody knows the ledger's own.
var kept = [...]payment.Purpose{payment.PurposeTrack, payment.PurposeBounce, payment.PurposePaid, payment.PurposeRelay}

// Trusting returns the same keys with one more behind them, which signs nothing and verifies
// what only we read: the cookies, links and references that the ledger's own key signed before
// one was configured.
func (k *Keys) Trusting(s payment.SigningKey) (*Keys, error) {
	with := &Keys{derived: maps.Clone(k.derived)}
	for _, p := range kept {
		b, err := s.Derive(p)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(k.derived[p], func(d key) bool { return hmac.Equal(d.secret, b) }) {
			continue // the owner wrote the ledger's own key
		}
		with.derived[p] = append(slices.Clip(k.derived[p]), newKey(s.KID, b))
	}
	return with, nil
}

// Key is what may be known of a signing key.
type Key struct {
	// Name is what receipts call it.
	Name string
	// Mark tells it from others, whatever it is called.
	Mark [sha256.Size]byte
}

// Known returns what may be known of the keys, the signing one first.
func (k *Keys) Known() []Key {
	var known []Key
	for _, d := range k.derived[payment.PurposePaid] {
		known = append(known, Key{d.kid, sha256.Sum256(d.secret)})
	}
	return known
}

// All returns the keys of one purpose, the signing one first: for
// [payment.ReadSigned].
func (k *Keys) All(p payment.Purpose) [][]byte {
	all := make([][]byte, 0, len(k.derived[p]))
	for _, d := range k.derived[p] {
		all = append(all, d.secret)
	}
	return all
}
