package token

import (
	"crypto/hmac"
	"encoding/base64"
	"net/http"
	"slices"
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

// SetTrack sets the track cookie, good for life from now, as [SetCookie] would,
// in fewer steps: every landing page waits for it.
func (k *Keys) SetTrack(w http.ResponseWriter, name string, t payment.Track, site string, life time.Duration, now time.Time, view View) {
	d := &k.derived[payment.PurposeTrack][0]
	p := d.signer()
	defer d.signers.Put(p)
	at := p.track(t, site, life, now)
	end := len(p.room)
	p.room = beginCookie(p.room, name, view)
	p.room = p.appendTrack(p.room, at)
	p.room = endCookie(p.room, int(life/time.Second), view)
	addCookie(w, p.room[end:])
}

// sealed says where the parts of a sealed track lie.
type sealed struct{ body, mac int }

// track writes a track's fields and their MAC into the signer's room.
func (p *signer) track(t payment.Track, site string, life time.Duration, now time.Time) (at sealed) {
	b := trackSeal(p.room[:0], site)
	at.body = len(b)
	for _, field := range [...]string{t.ID, t.Affiliate, t.Landing} {
		b = protowire.AppendString(b, field)
	}
	for _, at := range [...]time.Time{t.At, now, now.Add(life)} {
		b = protowire.AppendVarint(b, protowire.EncodeZigZag(at.Unix()))
	}
	at.mac = len(b)
	p.room = p.mac(b, b)
	return at
}

// appendTrack adds the cookie's value.
func (p *signer) appendTrack(to []byte, at sealed) []byte {
	to = append(trackText.AppendEncode(to, p.room[at.body:at.mac]), '.')
	return trackText.AppendEncode(to, p.room[at.mac:at.mac+trackMAC])
}

// OpenTrack reads the value of the track cookie, made for one of the names of a
// site.
func (k *Keys) OpenTrack(text string, sites []string, now time.Time) (payment.Track, error) {
	head, tail, _ := strings.Cut(text, ".")
	if len(text) > maxToken || strings.ContainsAny(text, "\r\n") {
		return payment.Track{}, ErrInvalid
	}
	body, err := trackText.DecodeString(head)
	if err != nil {
		return payment.Track{}, ErrInvalid
	}
	mac, err := trackText.DecodeString(tail)
	if err != nil || !slices.ContainsFunc(sites, func(site string) bool { return k.madeTrack(mac, site, body) }) {
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
	sealed := append(trackSeal(nil, site), body...)
	for _, d := range k.derived[payment.PurposeTrack] {
		if hmac.Equal(d.mac(nil, sealed)[:trackMAC], mac) {
			return true
		}
	}
	return false
}

// trackSeal begins what the MAC is of: it binds the fields to their use and to
// the site, because one key may serve several.
func trackSeal(b []byte, site string) []byte {
	b = append(b, "track-v1\n"...)
	b = append(b, site...)
	return append(b, '\n')
}
