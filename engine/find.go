package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// find returns the record to which a return belongs, or nil without an error if there is
// none yet.
func (e *Engine) find(ctx context.Context, prov Provider, a Ask) (*payment.Record, error) {
	issuers := append([]string{prov.Terms().Issuer}, e.account(ctx, prov).former...)
	rec, err := e.belongsTo(ctx, prov, issuers, a)
	if err != nil || rec == nil {
		return nil, err
	}
	if a.Claimed.ID != "" && a.Claimed.ID != rec.ID && a.Ref != "" {
		return rec, fmt.Errorf("%w: the id is not the one of the return address", payment.ErrMalformed)
	}
	if !slices.Contains(issuers, rec.Issuer) || !slices.Contains(names(a.Site, a.Formerly), rec.Site) || !sameRoute(rec, a) ||
		a.Order != "" && a.Order != rec.Order {
		return rec, ErrForeign
	}
	return rec, nil
}

// sameRoute: the return came to the route of the payment. A provider that was renamed since
// then still has its route.
func sameRoute(rec *payment.Record, a Ask) bool {
	return rec.Route == "" || rec.Route == a.Route ||
		strings.TrimSuffix(rec.Route, " "+rec.Provider) == strings.TrimSuffix(a.Route, " "+a.Provider)
}

// belongsTo returns the record that a return's reference or id names, or nil without an
// error if there is none yet.
func (e *Engine) belongsTo(ctx context.Context, prov Provider, issuers []string, a Ask) (*payment.Record, error) {
	if a.Ref != "" {
		rec, err := e.Store.Get(ctx, a.Ref)
		if errors.Is(err, payment.ErrNotFound) {
			err = ErrForeign
		}
		return rec, err
	}
	if a.Claimed.ID == "" {
		return nil, fmt.Errorf("%w: no id of a payment", payment.ErrMalformed)
	}
	keys := make([]payment.Key, 0, 2*len(issuers))
	for _, issuer := range issuers {
		keys = append(keys, payment.IntentKey(issuer, a.Claimed.ID), payment.ReceiptKey(issuer, a.Claimed.ID))
	}
	// All in one trip: most of those who are looked for are strangers' inventions.
	refs := e.mayBe(ctx, prov, issuers, a)
	ref := refs[0]
	recs, held, err := payment.LookAll(ctx, e.Store, refs, keys...)
	if err != nil {
		return nil, err
	}
	rec := recs[0]
	for i := 0; i < len(held); i += 2 {
		if intent := held[i]; intent.Found && intent.Ref != ref {
			rec, err = e.Store.Get(ctx, intent.Ref)
			if errors.Is(err, payment.ErrNotFound) {
				return nil, nil
			}
			return rec, err
		} else if intent.Found {
			return rec, nil
		}
	}
	for i := 1; i < len(held); i += 2 {
		if receipt := held[i]; receipt.Found && receipt.Ref == "" {
			return nil, ErrForeign // used before this ledger began
		}
	}
	if rec != nil {
		return rec, nil
	}
	for i := 1; i < len(held); i += 2 {
		if held[i].Found {
			// Under a former name of its site or its issuer.
			old, err := e.Store.Get(ctx, held[i].Ref)
			if err == nil && old.Order == a.Order && slices.Contains(names(a.Site, a.Formerly), old.Site) {
				return old, nil
			}
		}
	}
	for _, old := range recs[1:] {
		if old != nil {
			return old, nil // on its way when the configuration was changed
		}
	}
	return nil, nil
}

// mayBe returns the references that a return's record may have: today's first, then
// those of a payment that no key leads to yet and that was on its way when its
// site or its provider's account was changed.
func (e *Engine) mayBe(ctx context.Context, prov Provider, issuers []string, a Ask) []payment.Ref {
	if e.now().Sub(e.account(ctx, prov).Since) > inFlight {
		issuers = issuers[:1]
	}
	refs := make([]payment.Ref, 0, len(issuers)*(1+len(a.Formerly)))
	for _, site := range names(a.Site, a.Formerly) {
		for _, issuer := range issuers {
			refs = append(refs, payment.NewRef(site, issuer, a.Claimed.ID, a.Order))
		}
	}
	return refs
}
