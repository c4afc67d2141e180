package admin

import (
	"errors"
	"mime"
	"net/http"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// Intent is the body of `POST /payments/intents`: what a page would announce by headers,
// from a program without a visitor (a job, an app's backend).
type Intent struct {
	// Site is the shop's name in the ledger: its host, with port and path where they
	// are part of it. It may be left out where there is one shop.
	Site string `json:"site,omitempty"`
	// Provider may be left out where the site has one.
	Provider string `json:"provider,omitempty"`
	// ID is the provider's.
	ID    string `json:"id"`
	Order string `json:"order"`
	// Amount is in rials: a whole number.
	Amount *payment.Rials `json:"amount"`
	// Return is where the customer comes back to: an address or a path of the site.
	// With it the payment is asked for though its customer never comes back.
	Return string `json:"return,omitempty"`
}

// Intended is the answer: the intent is on disk.
type Intended struct {
	Ref payment.Ref `json:"ref"`
	// Unasked: without `return` nobody asks for this payment unless its customer comes
	// back.
	Unasked bool `json:"unasked,omitempty"`
}

// intents announces a payment. Its answer is its receipt: the customer may be sent to
// the bank after it, and not before.
func (c *call) intents() error {
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return status(http.StatusUnsupportedMediaType, errors.New("send JSON: Content-Type: application/json"))
	}
	var in Intent
	if err := c.body(&in); err != nil {
		return err
	}
	if in.Amount == nil {
		return badInput("amount is missing: whole rials, such as 50000")
	}
	e, err := c.engine()
	if err != nil {
		return err
	}
	rec, err := operate.Intend(c.r.Context(), e, engine.Intent{
		Site: in.Site, Provider: in.Provider, ID: in.ID, Order: in.Order, Amount: *in.Amount, Return: in.Return,
	})
	if err != nil {
		return err
	}
	return c.answerAs(http.StatusCreated, Intended{Ref: rec.Ref, Unasked: rec.Return == nil})
}
