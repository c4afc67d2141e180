package token

import (
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// LinkLife is how long a link opens a purchase on another device.
const LinkLife = 7 * 24 * time.Hour

type linkClaims struct {
	Ref   payment.Ref `json:"ref"`
	Site  string      `json:"aud"`
	At    int64       `json:"iat"`
	Until int64       `json:"exp"`
}

// SignLink gives the text of a link that opens a purchase on another device. It says
// nothing of whether the payment is still good: the ledger does, each time.
func (k *Keys) SignLink(ref payment.Ref, site string, now time.Time) (string, error) {
	return k.sign(kindLink, linkClaims{ref, site, now.Unix(), now.Add(LinkLife).Unix()})
}

// OpenLink reads such a text, made for one of the names of a site.
func (k *Keys) OpenLink(text string, sites []string, now time.Time) (payment.Ref, error) {
	var c linkClaims
	if err := k.open(kindLink, text, &c); err != nil {
		return "", err
	}
	return pointed(c.Ref, c.Site, sites, c.At, c.Until, now)
}

// pointed is the payment that a token names, where the token was made for one of the names
// of a site and is good now.
func pointed(ref payment.Ref, site string, sites []string, issued, expires int64, now time.Time) (payment.Ref, error) {
	if !slices.Contains(sites, site) {
		return "", ErrInvalid
	}
	if err := alive(issued, expires, now); err != nil {
		return "", err
	}
	ref, err := payment.ParseRef(string(ref))
	if err != nil {
		return "", ErrInvalid
	}
	return ref, nil
}
