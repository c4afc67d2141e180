package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
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
	const numbers = 4 * 10
	b := make([]byte, 0, len(t.ID)+len(t.Affiliate)+len(t.Landing)+numbers+6)
	for _, field := range [...]string{t.ID, t.Affiliate, t.Landing} {
		b = protowire.AppendString(b, field)
	}
	for _, at := range [...]time.Time{t.At, now, now.Add(life)} {
		b = protowire.AppendVarint(b, protowire.EncodeZigZag(at.Unix()))
	}
	var sum [sha256.Size]byte
	mac := macTrack(sum[:0], k.derived[payment.PurposeTrack][0].secret, site, b)

	n := trackText.EncodedLen(len(b))
	text := make([]byte, n+1+trackText.EncodedLen(trackMAC))
	trackText.Encode(text, b)
	text[n] = '.'
	trackText.Encode(text[n+1:], mac)
	return string(text)
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
	var sum [sha256.Size]byte
	for _, d := range k.derived[payment.PurposeTrack] {
		if hmac.Equal(macTrack(sum[:0], d.secret, site, body), mac) {
			return true
		}
	}
	return false
}

// macTrack binds the fields to the site: one key may serve several.
func macTrack(sum, key []byte, site string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("track-v1\n" + site + "\n"))
	m.Write(body)
	return m.Sum(sum)[:trackMAC]
}
