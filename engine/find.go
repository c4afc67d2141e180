package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// find looks for the record that a return belongs to. It returns nil without
// an error where there is none yet.
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

// sameRoute: the return came where the payment's customers come back to. A
// provider that has got another name since has not moved its route.
func sameRoute(rec *payment.Record, a Ask) bool {
	return rec.Route == "" || rec.Route == a.Route ||
		strings.TrimSuffix(rec.Route, " "+rec.Provider) == strings.TrimSuffix(a.Route, " "+a.Provider)
}

// belongsTo is the record that a return's reference or id names, nil without an
// error where there is none yet.
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
	ref := payment.NewRef(a.Site, issuers[0], a.Claimed.ID, a.Order)
	rec, held, err := payment.Look(ctx, e.Store, ref, keys...)
	if err != nil {
		return nil, err
	}
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
	return e.underFormerNames(ctx, prov, issuers, a)
}

// underFormerNames looks for a payment that no key leads to yet and that was on
// its way when its site, its provider's account or this program was changed.
func (e *Engine) underFormerNames(ctx context.Context, prov Provider, issuers []string, a Ask) (*payment.Record, error) {
	if e.now().Sub(e.account(ctx, prov).Since) > inFlight {
		issuers = issuers[:1]
	}
	for _, site := range names(a.Site, a.Formerly) {
		for _, issuer := range issuers {
			if site == a.Site && issuer == issuers[0] {
				continue
			}
			rec, err := e.Store.Get(ctx, payment.NewRef(site, issuer, a.Claimed.ID, a.Order))
			if !errors.Is(err, payment.ErrNotFound) {
				return rec, err
			}
		}
	}
	return nil, nil
}
