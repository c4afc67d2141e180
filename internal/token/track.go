package token

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

type trackClaims struct {
	Track payment.Track `json:"tr"`
	Site  string        `json:"aud"`
	At    int64         `json:"iat"`
	Until int64         `json:"exp"`
}

// SignTrack gives the value of the track cookie, good for life from now.
func (k *Keys) SignTrack(t payment.Track, site string, life time.Duration, now time.Time) (string, error) {
	return k.sign(kindTrack, trackClaims{t, site, now.Unix(), now.Add(life).Unix()})
}

// OpenTrack reads the value of the track cookie.
func (k *Keys) OpenTrack(text, site string, now time.Time) (payment.Track, error) {
	var c trackClaims
	if err := k.open(kindTrack, text, &c); err != nil {
		return payment.Track{}, err
	}
	if c.Site != site || c.Track.ID == "" {
		return payment.Track{}, ErrInvalid
	}
	if err := alive(c.At, c.Until, now); err != nil {
		return payment.Track{}, err
	}
	return c.Track, nil
}
