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
//
// Invariant: an order sells once, however many payments of it are brought at the same time,
// to whichever node.
func (e *Engine) said(ctx context.Context, prov Provider, rec *payment.Record, s Seen) error {
	announced := rec.Version > 0 && rec.Ref != seenRef(rec.Site, prov, rec.ID)
	switch {
	case !announced:
		return e.witness(ctx, prov, rec, nil, errUnannouncedSale)
	case s.Order != "" && s.Order != rec.Order:
		e.observe(EventForeign, rec, errOtherOrder, false)
		return nil
	}
	sold, err := e.soldBefore(ctx, rec, s)
	if err != nil {
		return err
	}
	key, free, err := e.soldKey(ctx, rec, s.Site)
	switch {
	case err != nil:
		return err
	case sold || !free:
		return e.witness(ctx, prov, rec, nil, errSoldBefore)
	}
	return e.witness(ctx, prov, rec, nil, nil, key)
}

// soldBefore reports whether another payment has paid the record's order, in whatever way.
func (e *Engine) soldBefore(ctx context.Context, rec *payment.Record, s Seen) (bool, error) {
	q := payment.Listing{Order: rec.Order, Limit: 1000}
	for {
		page, err := e.Store.List(ctx, q)
		if err != nil {
			return false, err
		}
		for _, r := range page.Records {
			if r.Ref != rec.Ref && r.Environment == rec.Environment && r.State.Captured() && slices.Contains(names(s.Site, s.Formerly), r.Site) {
				return true, nil
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return false, nil
		}
	}
}

// soldKey returns the key that the sale of an order takes with its commit: of all whose look
// found nothing, on any node, one gets it. Where the payment that has it was given back, the
// next sale has a key of its own. free is false where another payment has sold the order.
func (e *Engine) soldKey(ctx context.Context, rec *payment.Record, site string) (key payment.Key, free bool, err error) {
	var after payment.Ref
	for range soldMost {
		key = payment.SoldKey(site, rec.Environment, rec.Order, after)
		holder, err := e.Store.Holder(ctx, key)
		if errors.Is(err, payment.ErrNotFound) || err == nil && holder == rec.Ref {
			return key, true, nil
		}
		if err != nil {
			return key, false, err
		}
		other, err := e.Store.Get(ctx, holder)
		if err != nil {
			return key, false, err
		}
		if other.State.Captured() {
			return key, false, nil
		}
		after = holder
	}
	return key, false, nil
}

// soldMost bounds how often an order is sold, given back and sold again.
const soldMost = 100

// Why the sale of a payment isn't reported that the shop's answer calls paid.
var (
	errUnannouncedSale = errors.New("the shop's answer says that an order is paid, not that this payment is, and its provider can't be asked: announce the payment with X-Payment-Order and X-Payment-Amount on the redirect to the bank, or use the relay")
	errSoldBefore      = errors.New("another payment of this order was paid before, and the shop's answer doesn't say which of them this is about")
	errOtherOrder      = errors.New("the shop's answer is about another order than the one that was announced")
)
