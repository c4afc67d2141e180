package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/rahgir/caddy-payments/payment"
)

// A receipt pays once, whatever name or address the configuration gives its provider, and an
// order of a site is paid once, whichever provider took it. The functions below also look
// up the keys that were taken under former names of a site and under former keys of an
// account. No new keys are taken under those.

// names returns a site's name and its former ones.
func names(site string, formerly []string) []string {
	return append([]string{site}, slices.DeleteFunc(slices.Clone(formerly), func(s string) bool { return s == site })...)
}

// asToday returns a copy of a record with the names of the present configuration, under
// which its keys are taken.
func asToday(rec *payment.Record, t payment.Terms, p Policy, site string) *payment.Record {
	c := *rec
	if t.AnswersFor(rec.Issuer) {
		c.Issuer, c.Environment = t.Issuer, t.Environment
	}
	switch {
	case site != "":
		c.Site = site
	case p.Site != "":
		c.Site = p.Site
	}
	return &c
}

// former returns the keys under which earlier configurations may have taken what rec is
// about to take.
func (e *Engine) former(ctx context.Context, rec *payment.Record, prov Provider, p Policy) []payment.Key {
	keys := e.receipts(ctx, rec, prov)[1:]
	if p.Many || !rec.OrderKnown() {
		return keys
	}
	return append(keys, orders(rec, p.Formerly)[1:]...)
}

// receipts returns the keys of the record's receipt, its own first, then those under former
// keys of the account.
func (e *Engine) receipts(ctx context.Context, rec *payment.Record, prov Provider) []payment.Key {
	keys := []payment.Key{payment.ReceiptKey(rec.Issuer, rec.ID)}
	for _, issuer := range e.account(ctx, prov).former {
		keys = append(keys, payment.ReceiptKey(issuer, rec.ID))
	}
	return keys
}

// orders returns the keys of the record's order, today's first, then those of the former
// names of its site.
func orders(rec *payment.Record, formerly []string) (keys []payment.Key) {
	for _, site := range names(rec.Site, formerly) {
		keys = append(keys, payment.OrderKey(site, rec.Environment, rec.Order))
	}
	return keys
}

// taken returns a *payment.TakenError if another payment holds one of the keys. Nobody takes
// such former keys any more, so looking before the commit is as safe as in it.
func (e *Engine) taken(ctx context.Context, rec *payment.Record, keys []payment.Key) error {
	if len(keys) == 0 {
		return nil
	}
	held, err := payment.Holders(ctx, e.Store, keys...)
	if err != nil {
		return err
	}
	for i, h := range held {
		if h.Found && h.Ref != rec.Ref {
			return &payment.TakenError{Key: keys[i], Holder: h.Ref}
		}
	}
	return nil
}

// orderTaken reports whether another payment has paid for the record's order, under whatever
// name of its site.
func (e *Engine) orderTaken(ctx context.Context, rec *payment.Record, formerly []string) (bool, error) {
	if !rec.OrderKnown() {
		return false, nil
	}
	err := e.taken(ctx, rec, orders(rec, formerly))
	var t *payment.TakenError
	if errors.As(err, &t) {
		return true, nil
	}
	return false, err
}

// Taken reports whether another payment has paid for the record's order, or used
// its receipt, under whatever name.
func (e *Engine) Taken(ctx context.Context, rec *payment.Record) (order, receipt bool) {
	policy, _ := e.Sites.Policy(rec)
	var keys []payment.Key
	if prov, err := e.providerFor(rec); err == nil {
		rec = asToday(rec, prov.Terms(), policy, "")
		keys = e.receipts(ctx, rec, prov)
	} else {
		rec = asToday(rec, payment.Terms{}, policy, "")
		keys = []payment.Key{payment.ReceiptKey(rec.Issuer, rec.ID)}
	}
	var t *payment.TakenError
	receipt = errors.As(e.taken(ctx, rec, keys), &t)
	order, _ = e.orderTaken(ctx, rec, policy.Formerly)
	return order, receipt
}
