package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/rahgir/caddy-payments/payment"
)

// said takes the shop's word for a payment about which its provider can't be asked. The word
// is about an order: the page of a paid order is shown to whoever brings it an unpaid id. So an
// answer about another order is nobody's, and a sale is reported only of an announced payment
// whose order nothing else has paid.
func (e *Engine) said(ctx context.Context, prov Provider, rec *payment.Record, s Seen) error {
	announced := rec.Version > 0 && rec.Ref != seenRef(rec.Site, prov, rec.ID)
	switch {
	case !announced:
		return e.witness(ctx, prov, rec, nil, errUnannouncedSale)
	case s.Order != "" && s.Order != rec.Order:
		e.observe(EventForeign, rec, errOtherOrder, false)
		return nil
	}
	q := payment.Listing{Order: rec.Order, Limit: 1000}
	for {
		page, err := e.Store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			if r.Ref != rec.Ref && r.Environment == rec.Environment && r.State.Captured() && slices.Contains(names(s.Site, s.Formerly), r.Site) {
				return e.witness(ctx, prov, rec, nil, errSoldBefore)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return e.witness(ctx, prov, rec, nil, nil)
		}
	}
}

// Why the sale of a payment isn't reported that the shop's answer calls paid.
var (
	errUnannouncedSale = errors.New("the shop's answer says that an order is paid, not that this payment is, and its provider can't be asked: announce the payment with X-Payment-Order and X-Payment-Amount on the redirect to the bank, or use the relay")
	errSoldBefore      = errors.New("another payment of this order was paid before, and the shop's answer doesn't say which of them this is about")
	errOtherOrder      = errors.New("the shop's answer is about another order than the one that was announced")
)
