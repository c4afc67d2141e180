package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/rahgir/caddy-payments/payment"
)

// A receipt pays once, whatever name or address the configuration gives its provider, and an
// order of a site is paid once, whichever provider took it. The functions below also look
// up the keys that were taken under former names of a site, under former keys of an
// account, and by earlier versions. No new keys are taken under those.

// names returns a site's name and its former ones.
func names(site string, formerly []string) []string {
	return append([]string{site}, slices.DeleteFunc(slices.Clone(formerly), func(s string) bool { return s == site })...)
}

// asToday returns a copy of a record with the names of the present configuration, under
// which its keys are taken.
func asToday(rec *payment.Record, t payment.Terms, p Policy, site string) *payment.Record {
	c := *rec
	if payment.SameMoney(t.Issuer, rec.Issuer) {
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

// former returns the keys under which earlier configurations and versions may have
// taken what rec is about to take.
func (e *Engine) former(ctx context.Context, rec *payment.Record, prov Provider, p Policy) []payment.Key {
	var keys []payment.Key
	a := e.account(ctx, prov)
	for _, issuer := range a.former {
		keys = append(keys, payment.ReceiptKey(issuer, rec.ID))
		if rec.Receipt != nil && rec.Receipt.Number != "" && slices.Contains(prov.Terms().FormerIssuers, issuer) {
			keys = append(keys, payment.NumberKey(issuer, rec.Receipt.Number))
		}
	}
	if p.Many || rec.Order == "" {
		return keys
	}
	return append(keys, e.formerOrders(ctx, rec, p.Formerly)...)
}

func (e *Engine) formerOrders(ctx context.Context, rec *payment.Record, formerly []string) []payment.Key {
	old := e.inheritsNames(ctx)
	if !old && len(formerly) == 0 {
		return nil
	}
	var keys []payment.Key
	for i, site := range names(rec.Site, formerly) {
		if i > 0 {
			keys = append(keys, payment.OrderKey(site, rec.Environment, rec.Order))
		}
		if !old {
			continue
		}
		for _, name := range e.namesOfProviders(rec) {
			keys = append(keys, payment.FormerOrderKey(site, name, rec.Order))
		}
	}
	return keys
}

// namesOfProviders returns the names under which earlier versions may have taken an
// order's key: those of the running configuration and the record's own. Test and
// real payments had the same key then; only providers of today's environment are
// looked for.
func (e *Engine) namesOfProviders(rec *payment.Record) []string {
	var list []string
	for _, name := range e.providerNames() {
		if e.Providers[name].Terms().Environment == rec.Environment {
			list = append(list, name)
		}
	}
	if !slices.Contains(list, rec.Provider) && rec.Provider != "" {
		list = append(list, rec.Provider)
	}
	return list
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
		if !h.Found || h.Ref == rec.Ref {
			continue
		}
		if keys[i].Kind == payment.KeyOrder && !e.sameMoney(ctx, h.Ref, rec) {
			continue
		}
		return &payment.TakenError{Key: keys[i], Holder: h.Ref}
	}
	return nil
}

// sameMoney: earlier versions took the same key for a test payment and a real one. Only the
// holder's record tells which it was.
func (e *Engine) sameMoney(ctx context.Context, holder payment.Ref, rec *payment.Record) bool {
	if holder == "" {
		return true
	}
	other, err := e.Store.Get(ctx, holder)
	return err != nil || other.Environment == "" || rec.Environment == "" || other.Environment == rec.Environment
}

// orderHolder returns the payment that has paid for the record's order, under whatever
// name; empty if none has.
func (e *Engine) orderHolder(ctx context.Context, rec *payment.Record, formerly []string) (payment.Ref, bool, error) {
	keys := append([]payment.Key{payment.OrderKey(rec.Site, rec.Environment, rec.Order)}, e.formerOrders(ctx, rec, formerly)...)
	err := e.taken(ctx, rec, keys)
	var t *payment.TakenError
	switch {
	case err == nil:
		return "", false, nil
	case errors.As(err, &t):
		return t.Holder, true, nil
	}
	return "", false, err
}

// Taken reports whether another payment has paid for the record's order, or used
// its receipt, under whatever name.
func (e *Engine) Taken(ctx context.Context, rec *payment.Record) (order, receipt bool) {
	policy, _ := e.Sites.Policy(rec)
	if prov, err := e.providerFor(rec); err == nil {
		rec = asToday(rec, prov.Terms(), policy, "")
		var t *payment.TakenError
		keys := []payment.Key{payment.ReceiptKey(rec.Issuer, rec.ID)}
		for _, issuer := range e.account(ctx, prov).former {
			keys = append(keys, payment.ReceiptKey(issuer, rec.ID))
		}
		receipt = errors.As(e.taken(ctx, rec, keys), &t)
	}
	_, order, _ = e.orderHolder(ctx, rec, policy.Formerly)
	return order, receipt
}
