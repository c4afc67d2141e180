package engine

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// ReceiptQuery is what somebody who looks for a receipt writes.
type ReceiptQuery struct {
	Site     string
	Formerly []string
	// Number is an order of our checkout or the first eight characters or more of a
	// payment's reference, in any case, with blanks and dashes.
	Number string
	// Mobile is the buyer's, as [payment.ParseMobile] writes it.
	Mobile string
	// Client is what strangers are counted by.
	Client string
}

// receiptsLooked bounds how many payments one number may lead to.
const receiptsLooked = 8

// Receipt finds a paid purchase of our checkout by its number and its buyer's mobile
// number.
//
// Its invariant: whoever doesn't know both learns nothing. Every miss is the same
// [payment.ErrNotFound], be there such a number or not, and tries are counted by client,
// by number and by mobile before anything is looked up, so that neither can be guessed.
// Beyond the bound the error is a *TooManyError.
func (e *Engine) Receipt(ctx context.Context, q ReceiptQuery) (*payment.Record, error) {
	number := strings.ToLower(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u200c' || r == '\u200e' || r == '\u200f' {
			return -1
		}
		return r
	}, payment.ASCIIDigits(q.Number)))
	if number == "" || len(number) > 64 || q.Mobile == "" {
		return nil, payment.ErrNotFound
	}
	if wait := e.Shared.limits.Lookup(q.Client, number, q.Mobile, e.now()); wait > 0 {
		return nil, &TooManyError{RetryAfter: max(wait, time.Second)}
	}
	search := []payment.Term{payment.NewTerm(payment.FieldOrder, number)}
	if len(number) >= shortRef && len(number) <= payment.RefLen {
		search = append(search, payment.NewTerm(payment.FieldRef, number))
	}
	page, err := e.Store.List(ctx, payment.Listing{Search: search, Limit: receiptsLooked})
	if err != nil {
		return nil, err
	}
	for _, rec := range page.Records {
		if e.receipted(rec) && slices.Contains(names(q.Site, q.Formerly), rec.Site) &&
			subtle.ConstantTimeCompare([]byte(rec.Buyer.Mobile), []byte(q.Mobile)) == 1 {
			return rec, nil
		}
	}
	return nil, payment.ErrNotFound
}

// shortRef is how much of a reference people read out.
const shortRef = 8

// Purchased is a paid purchase of our checkout by its reference. A reversed one is not
// found.
func (e *Engine) Purchased(ctx context.Context, ref payment.Ref, site string, formerly ...string) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if !e.receipted(rec) || !slices.Contains(names(site, formerly), rec.Site) {
		return nil, payment.ErrNotFound
	}
	return rec, nil
}

// receipted: it is ours, paid, and opens what was bought.
func (e *Engine) receipted(rec *payment.Record) bool {
	return rec.Expect.Checkout && rec.State.Captured() && !e.playMoney(rec)
}
