package token

import (
	"strconv"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// ReceiptLife is how long a receipt is good for: the delivery it belongs to.
const ReceiptLife = 5 * time.Minute

// Issuer is the `iss` of a receipt.
const Issuer = "caddy-payments"

// StatusVerified is the status of a receipt that credits.
const StatusVerified = "verified"

// Currency is the only one.
const Currency = "IRR"

// Claims are what a receipt says: the X-Payment-* headers, signed.
type Claims struct {
	Issuer string `json:"iss"`
	// Audience is the site's origin.
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	// ID names this hand-over: reference, ".", number of the delivery.
	ID string `json:"jti"`

	Status        string        `json:"status"`
	Provider      string        `json:"provider"`
	PaymentID     string        `json:"id"`
	Order         string        `json:"order"`
	Item          string        `json:"item,omitempty"`
	Amount        payment.Rials `json:"amount"`
	Currency      string        `json:"currency"`
	Paid          payment.Rials `json:"paid,omitempty"`
	AmountChecked string        `json:"amount_checked"`
	Environment   string        `json:"environment"`
	Reference     string        `json:"reference,omitempty"`
	Card          string        `json:"card,omitempty"`
	PaidAt        string        `json:"paid_at,omitempty"`
	TrackID       string        `json:"track_id,omitempty"`
	Delivery      int           `json:"delivery"`
	Via           string        `json:"via"`
}

// ClaimsOf returns the claims about a record whose delivery is under way; origin is
// the site's, such as "https://shop.example.com".
func ClaimsOf(r *payment.Record, origin string) Claims {
	c := Claims{
		Audience:      origin,
		ID:            string(r.Ref) + "." + strconv.Itoa(r.Delivery.Count),
		Status:        StatusVerified,
		Provider:      r.Provider,
		PaymentID:     r.ID,
		Order:         r.Order,
		Item:          r.Expect.Item,
		Amount:        r.HandedAmount(),
		Currency:      Currency,
		AmountChecked: r.AmountChecked(),
		Environment:   r.Environment,
		Delivery:      r.Delivery.Count,
		Via:           string(r.Delivery.Via),
	}
	if rc := r.Receipt; rc != nil {
		c.Paid, c.Reference, c.Card = rc.Paid, rc.Reference, rc.Card
		if c.Paid == 0 && rc.Amount > c.Amount {
			c.Paid = rc.Amount // a person gave it for more than its price
		}
	}
	if paid := r.PaidAt(); !paid.IsZero() {
		c.PaidAt = paid.UTC().Format(time.RFC3339)
	}
	c.TrackID = r.Track.ID
	return c
}

// SignReceipt gives the value of X-Payment-Receipt. Issuer, IssuedAt and
// Expires are set here.
func (k *Keys) SignReceipt(c Claims, now time.Time) (string, error) {
	c.Issuer, c.IssuedAt, c.Expires = Issuer, now.Unix(), now.Add(ReceiptLife).Unix()
	return k.sign(kindReceipt, c)
}

// VerifyReceipt reads a receipt as a shop must: signature, type, audience and
// time. The status is for the caller to look at.
func (k *Keys) VerifyReceipt(text, origin string, now time.Time) (Claims, error) {
	var c Claims
	if err := k.open(kindReceipt, text, &c); err != nil {
		return Claims{}, err
	}
	if c.Issuer != Issuer || c.Audience != origin || c.ID == "" {
		return Claims{}, ErrInvalid
	}
	if err := alive(c.IssuedAt, c.Expires, now); err != nil {
		return Claims{}, err
	}
	return c, nil
}

// leeway is how far clocks of two machines may differ.
const leeway = time.Minute

// alive checks the times of a token.
func alive(issued, expires int64, now time.Time) error {
	if time.Unix(issued, 0).After(now.Add(leeway)) {
		return ErrInvalid
	}
	if !now.Before(time.Unix(expires, 0).Add(leeway)) {
		return ErrExpired
	}
	return nil
}
