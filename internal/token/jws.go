package token

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/rahgir/caddy-payments/payment"
)

// maxToken bounds what is looked at: a cookie is at most 4 KiB.
const maxToken = 4096

// kind ties a token's type to the key that it is signed with. Both must be
// right, so that a token of one kind is never one of another.
type kind struct {
	purpose payment.Purpose
	typ     string
}

var (
	kindReceipt = kind{payment.PurposeReceipt, "payment-receipt+jwt"}
	kindPaid    = kind{payment.PurposePaid, "payment-paid+jwt"}
	kindLink    = kind{payment.PurposePaid, "payment-link+jwt"}
	kindBounce  = kind{payment.PurposeBounce, "payment-bounce+jwt"}

	kinds = [...]kind{kindReceipt, kindPaid, kindLink, kindBounce}
)

// headers makes the protected header of each type of a purpose, as the library
// writes it, with the dot behind it. It is the same for every token, and writing
// it anew took longer than all the rest of a receipt.
func headers(p payment.Purpose, d key) (map[string]string, error) {
	made := make(map[string]string)
	for _, k := range kinds {
		if k.purpose != p {
			continue
		}
		text, err := signed(k.typ, d)
		if err != nil {
			return nil, fmt.Errorf("making the %s signer: %w", k.typ, err)
		}
		made[k.typ] = text[:strings.IndexByte(text, '.')+1]
	}
	return made, nil
}

// signed is a token without claims.
func signed(typ string, d key) (string, error) {
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	if d.kid != "" {
		opts = opts.WithHeader("kid", d.kid)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: d.secret}, opts)
	if err != nil {
		return "", err
	}
	made, err := s.Sign([]byte("{}"))
	if err != nil {
		return "", err
	}
	return made.CompactSerialize()
}

// sign gives the compact JWS of claims.
func (k *Keys) sign(kd kind, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("writing the claims of a %s: %w", kd.typ, err)
	}
	d := &k.derived[kd.purpose][0]
	head := d.headers[kd.typ]
	text := make([]byte, 0, len(head)+base64.RawURLEncoding.EncodedLen(len(payload))+1+base64.RawURLEncoding.EncodedLen(sha256.Size))
	text = base64.RawURLEncoding.AppendEncode(append(text, head...), payload)
	var sum [sha256.Size]byte
	mac := d.mac(sum[:0], text)
	return string(base64.RawURLEncoding.AppendEncode(append(text, '.'), mac)), nil
}

// open checks a compact JWS and reads its claims. The algorithm is pinned, and the
// type must be exactly the kind's.
//
// Invariant: what a key has signed verifies as long as that key is configured, whatever it is
// called by now. So kid chooses nothing: an owner who names a key that had no name, to write a
// second one beside it, must lose no buyer.
func (k *Keys) open(kd kind, text string, claims any) error {
	if len(text) > maxToken || !canonical(text) {
		return ErrInvalid
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil || len(signed.Signatures) != 1 {
		return ErrInvalid
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != kd.typ {
		return ErrInvalid
	}
	for _, d := range k.derived[kd.purpose] {
		payload, err := signed.Verify(d.secret)
		if err != nil {
			continue
		}
		if err := json.Unmarshal(payload, claims); err != nil {
			return ErrInvalid
		}
		return nil
	}
	return ErrInvalid
}

// canonical reports whether a text is three parts of base64url in the one form
// that encoding gives. The library reads line breaks and stray last bits too,
// and then one token could be written in many ways.
func canonical(text string) bool {
	if strings.Count(text, ".") != 2 || strings.ContainsAny(text, "\r\n") {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || part == "" {
			return false
		}
	}
	return true
}
