package token

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
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
	// Ref is there in pointers of earlier versions alone.
	Ref payment.Ref `json:"ref,omitempty"`
	// Hidden is the reference, and Salt what it is hidden with.
	Hidden string `json:"h,omitempty"`
	Salt   string `json:"s,omitempty"`
	Site   string `json:"aud"`
	Hash   string `json:"nh"`
	At     int64  `json:"iat"`
	Until  int64  `json:"exp"`
}

// SignBounce gives the pointer to a payment for the browser that holds nonce.
//
// Invariant: nobody reads the reference in it. A pointer goes to whoever brings the return, and
// the payment's number is for its buyer.
func (k *Keys) SignBounce(ref payment.Ref, site, nonce string, now time.Time) (string, error) {
	salt := NewNonce()
	hidden := base64.RawURLEncoding.EncodeToString(k.derived[payment.PurposeBounce][0].veil([]byte(ref), salt))
	return k.sign(kindBounce, bounceClaims{Hidden: hidden, Salt: salt, Site: site, Hash: Hash(nonce), At: now.Unix(), Until: now.Add(BounceLife).Unix()})
}

// veil hides the text of a reference, or shows a hidden one, with bytes that only the key makes.
func (d *key) veil(text []byte, salt string) []byte {
	pad := d.mac(nil, []byte("bounce-veil-v1\n"+salt))
	out := make([]byte, min(len(text), len(pad)))
	subtle.XORBytes(out, text, pad)
	return out
}

// unveil returns the reference in a pointer, "" if none of the keys shows one.
func (k *Keys) unveil(c bounceClaims) payment.Ref {
	text, err := base64.RawURLEncoding.DecodeString(c.Hidden)
	if err != nil || len(text) != payment.RefLen {
		return ""
	}
	for i := range k.derived[payment.PurposeBounce] {
		if ref, err := payment.ParseRef(string(k.derived[payment.PurposeBounce][i].veil(text, c.Salt))); err == nil {
			return ref
		}
	}
	return ""
}

// OpenBounce reads a pointer, made for one of the names of a site.
func (k *Keys) OpenBounce(text string, sites []string, now time.Time) (Bounce, error) {
	var c bounceClaims
	if err := k.open(kindBounce, text, &c); err != nil {
		return Bounce{}, err
	}
	ref, err := pointed(cmp.Or(c.Ref, k.unveil(c)), c.Site, sites, c.At, c.Until, now)
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
