package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rahgir/caddy-payments/payment"
)

// The track's cookie is "<base64url of its fields>.<base64url of a MAC>". It
// is no JWS, because only we read it, and because it is signed on the one path
// that ordinary visitors take: a JWS library spent more on a landing page than
// all the rest of this module.

// trackMAC is how many bytes of the HMAC are kept: 128 bits.
const trackMAC = 16

var trackText = base64.RawURLEncoding.Strict()

// SignTrack gives the value of the track cookie, good for life from now.
func (k *Keys) SignTrack(t payment.Track, site string, life time.Duration, now time.Time) string {
	const numbers = 3*binary.MaxVarintLen64 + 3
	room := len(t.ID) + len(t.Affiliate) + len(t.Landing) + numbers
	// One room for all: what the MAC is of, the MAC, and the text.
	sealed := trackSeal(site, room+sha256.Size+trackText.EncodedLen(room)+1+trackText.EncodedLen(trackMAC))
	body := len(sealed)
	for _, field := range [...]string{t.ID, t.Affiliate, t.Landing} {
		sealed = protowire.AppendString(sealed, field)
	}
	for _, at := range [...]time.Time{t.At, now, now.Add(life)} {
		sealed = protowire.AppendVarint(sealed, protowire.EncodeZigZag(at.Unix()))
	}
	end := len(sealed)
	sealed = k.derived[payment.PurposeTrack][0].mac(sealed, sealed)
	mac, from := sealed[end:end+trackMAC], len(sealed)
	sealed = append(trackText.AppendEncode(sealed, sealed[body:end]), '.')
	return string(trackText.AppendEncode(sealed, mac)[from:])
}

// OpenTrack reads the value of the track cookie.
func (k *Keys) OpenTrack(text, site string, now time.Time) (payment.Track, error) {
	head, tail, _ := strings.Cut(text, ".")
	if len(text) > maxToken || strings.ContainsAny(text, "\r\n") {
		return payment.Track{}, ErrInvalid
	}
	body, err := trackText.DecodeString(head)
	if err != nil {
		return payment.Track{}, ErrInvalid
	}
	mac, err := trackText.DecodeString(tail)
	if err != nil || !k.madeTrack(mac, site, body) {
		return payment.Track{}, ErrInvalid
	}
	var t payment.Track
	var at [3]int64
	for _, field := range [...]*string{&t.ID, &t.Affiliate, &t.Landing} {
		v, n := protowire.ConsumeString(body)
		if n < 0 {
			return payment.Track{}, ErrInvalid
		}
		*field, body = v, body[n:]
	}
	for i := range at {
		v, n := protowire.ConsumeVarint(body)
		if n < 0 {
			return payment.Track{}, ErrInvalid
		}
		at[i], body = protowire.DecodeZigZag(v), body[n:]
	}
	if t.ID == "" || len(body) > 0 {
		return payment.Track{}, ErrInvalid
	}
	if err := alive(at[1], at[2], now); err != nil {
		return payment.Track{}, err
	}
	t.At = time.Unix(at[0], 0).UTC()
	return t, nil
}

// madeTrack reports whether one of our keys made the MAC.
func (k *Keys) madeTrack(mac []byte, site string, body []byte) bool {
	sealed := append(trackSeal(site, len(body)), body...)
	for _, d := range k.derived[payment.PurposeTrack] {
		if hmac.Equal(d.mac(nil, sealed)[:trackMAC], mac) {
			return true
		}
	}
	return false
}

// trackSeal begins what the MAC is of: it binds the fields to their use and to
// the site, because one key may serve several.
func trackSeal(site string, room int) []byte {
	const use = "track-v1\n"
	b := make([]byte, 0, len(use)+len(site)+1+room)
	b = append(b, use...)
	b = append(b, site...)
	return append(b, '\n')
}
