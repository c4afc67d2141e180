package token

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// PaidLife is how long the cookie of a purchase is kept: the longest that
// browsers allow.
const PaidLife = 400 * 24 * time.Hour

// Paid is the cookie that pressing Pay sets: which payment this browser
// started. It does not say that it was paid; the ledger does.
type Paid struct {
	Ref   payment.Ref
	Items []string
	// Browser tells the browser that pressed Pay from those that the cookie was
	// copied to; see [ShortHash].
	Browser string
	At      time.Time
}

type paidClaims struct {
	Ref   payment.Ref `json:"ref"`
	Items []string    `json:"items,omitempty"`
	Site  string      `json:"aud"`
	By    string      `json:"by,omitempty"`
	At    int64       `json:"iat"`
	Until int64       `json:"exp"`
}

// SignPaid gives the cookie's value.
func (k *Keys) SignPaid(p Paid, site string, now time.Time) (string, error) {
	return k.sign(kindPaid, paidClaims{p.Ref, p.Items, site, p.Browser, now.Unix(), now.Add(PaidLife).Unix()})
}

// OpenPaid reads the cookie's value, made for one of the names of a site.
func (k *Keys) OpenPaid(text string, sites []string, now time.Time) (Paid, error) {
	var c paidClaims
	if err := k.open(kindPaid, text, &c); err != nil {
		return Paid{}, err
	}
	ref, err := pointed(c.Ref, c.Site, sites, c.At, c.Until, now)
	if err != nil {
		return Paid{}, err
	}
	return Paid{Ref: ref, Items: c.Items, Browser: c.By, At: time.Unix(c.At, 0).UTC()}, nil
}
