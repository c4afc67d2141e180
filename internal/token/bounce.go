package token

import (
	"crypto/subtle"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// BounceLife is how long the pointer in a bounce leads to its payment.
const BounceLife = 10 * time.Minute

// Bounce is the pointer that the second hop of a return carries: which payment
// it is, and a hash of the nonce that was set as a cookie with the page. It is
// no ticket: the ledger decides what using it twice means.
type Bounce struct {
	Ref  payment.Ref
	hash string
}

type bounceClaims struct {
	Ref   payment.Ref `json:"ref"`
	Site  string      `json:"aud"`
	Hash  string      `json:"nh"`
	At    int64       `json:"iat"`
	Until int64       `json:"exp"`
}

// SignBounce gives the pointer to a payment for the browser that holds nonce.
func (k *Keys) SignBounce(ref payment.Ref, site, nonce string, now time.Time) (string, error) {
	return k.sign(kindBounce, bounceClaims{ref, site, Hash(nonce), now.Unix(), now.Add(BounceLife).Unix()})
}

// OpenBounce reads a pointer, made for one of the names of a site.
func (k *Keys) OpenBounce(text string, sites []string, now time.Time) (Bounce, error) {
	var c bounceClaims
	if err := k.open(kindBounce, text, &c); err != nil {
		return Bounce{}, err
	}
	ref, err := pointed(c.Ref, c.Site, sites, c.At, c.Until, now)
	if err != nil {
		return Bounce{}, err
	}
	if c.Hash == "" {
		return Bounce{}, ErrInvalid
	}
	return Bounce{Ref: ref, hash: c.Hash}, nil
}

// Holds reports whether nonce is the one that the pointer was made with.
// Without it the bearer gets nothing but the neutral page.
func (b Bounce) Holds(nonce string) bool {
	return nonce != "" && subtle.ConstantTimeCompare([]byte(Hash(nonce)), []byte(b.hash)) == 1
}
