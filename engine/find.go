package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rahgir/caddy-payments/payment"
)

// find returns the record to which a return belongs, or nil without an error if there is
// none yet. Then unpaid reports whether it has seen that nobody has paid the order.
func (e *Engine) find(ctx context.Context, prov Provider, a Ask) (rec *payment.Record, unpaid bool, err error) {
	issuers := append([]string{prov.Terms().Issuer}, e.account(ctx, prov).former...)
	rec, unpaid, err = e.belongsTo(ctx, prov, issuers, a)
	if err != nil || rec == nil {
		return nil, unpaid, err
	}
	if a.Claimed.ID != "" && a.Claimed.ID != rec.ID && a.Ref != "" {
		return rec, false, fmt.Errorf("%w: the id is not the one of the return address", payment.ErrMalformed)
	}
	// What comes to another account's route is that account's, as long as the payment's own
	// account has its name and its route. By our own reference a payment is found also where
	// another gateway has its path now. The sandbox and the live one never meet.
	own := slices.Contains(issuers, rec.Issuer)
	if t := prov.Terms(); payment.SameMoney(rec.Issuer, t.Issuer) {
		own = own || e.renamed(rec) || e.moved(rec, a) || a.Ref != "" && e.routeless(rec)
	} else {
		own = own || a.Ref != "" && rec.Environment == t.Environment
	}
	if !own || !slices.Contains(names(a.Site, a.Formerly), rec.Site) || !rec.CameTo(a.Route, a.Provider) ||
		a.Order != "" && a.Order != rec.Order {
		return rec, false, ErrForeign
	}
	return rec, false, nil
}

// beside are the keys of a return's intent among the other configured accounts of its gateway:
// the block of an account may have got another name, and its own name another account, or its
// route may have another account now.
func (e *Engine) beside(t payment.Terms, a Ask) (keys []payment.Key) {
	for _, name := range e.sorted {
		if other := e.Providers[name].Terms().Issuer; other != t.Issuer && payment.SameMoney(other, t.Issuer) {
			keys = append(keys, payment.IntentKey(other, a.Claimed.ID))
		}
	}
	return keys
}

// begunBeside returns the record of an intent that [Engine.beside] has found, if the return may
// be its.
func (e *Engine) begunBeside(ctx context.Context, held []payment.Held, a Ask) *payment.Record {
	for _, h := range held {
		if !h.Found || h.Ref == "" {
			continue
		}
		rec, err := e.Store.Get(ctx, h.Ref)
		if err == nil && rec.CameTo(a.Route, a.Provider) && slices.Contains(names(a.Site, a.Formerly), rec.Site) && (rec.Route != "" && e.renamed(rec) || e.moved(rec, a)) {
			return rec
		}
	}
	return nil
}

// renamed: a payment's provider has another account under that name now, or none.
func (e *Engine) renamed(rec *payment.Record) bool {
	own, err := e.provider(rec.Provider)
	return err != nil || !own.Terms().AnswersFor(rec.Issuer)
}

// moved: the route of a payment is another account's now, and its own account has it nowhere.
// Where the payment's route isn't known, because its announcement named no return address, that
// can only be the one route that the site has.
func (e *Engine) moved(rec *payment.Record, a Ask) bool {
	if p, ok := e.Sites.Policy(rec); ok {
		return p.Moved
	}
	return rec.Route == "" && a.Sole != nil && a.Sole()
}

// routeless: no site takes a payment's return any more.
func (e *Engine) routeless(rec *payment.Record) bool {
	_, ok := e.Sites.Policy(rec)
	return !ok
}

// belongsTo returns the record that a return's reference or id names, or nil without an
// error if there is none yet, and then whether it has seen that the order is unpaid.
func (e *Engine) belongsTo(ctx context.Context, prov Provider, issuers []string, a Ask) (*payment.Record, bool, error) {
	if a.Ref != "" {
		rec, err := e.Store.Get(ctx, a.Ref)
		if errors.Is(err, payment.ErrNotFound) {
			err = e.forgotten(ctx)
		}
		return rec, false, err
	}
	if a.Claimed.ID == "" {
		return nil, false, fmt.Errorf("%w: no id of a payment", payment.ErrMalformed)
	}
	keys := make([]payment.Key, 0, 2*len(issuers)+1)
	for _, issuer := range issuers {
		keys = append(keys, payment.IntentKey(issuer, a.Claimed.ID), payment.ReceiptKey(issuer, a.Claimed.ID))
	}
	// All in one trip: most of those who are looked for are strangers' inventions.
	refs := e.mayBe(ctx, prov, issuers, a)
	ref := refs[0]
	ordered := ordersOf(a, prov.Terms())
	recs, held, err := payment.LookAll(ctx, e.Store, refs, slices.Concat(keys, ordered, e.beside(prov.Terms(), a))...)
	if err != nil {
		return nil, false, err
	}
	n, m := len(keys), len(keys)+len(ordered)
	held, orders, beside := held[:n], held[n:m], held[m:]
	rec := recs[0]
	for i := 0; i < len(held); i += 2 {
		if intent := held[i]; intent.Found && intent.Ref != ref {
			rec, err = e.Store.Get(ctx, intent.Ref)
			if errors.Is(err, payment.ErrNotFound) {
				return nil, false, nil
			}
			return rec, false, err
		} else if intent.Found {
			return rec, false, nil
		}
	}
	for i := 1; i < len(held); i += 2 {
		if receipt := held[i]; receipt.Found && receipt.Ref == "" {
			return nil, false, ErrForeign // used before this ledger began
		}
	}
	if rec != nil {
		return rec, false, nil
	}
	for i := 1; i < len(held); i += 2 {
		if held[i].Found {
			// Under a former name of its site or its issuer.
			old, err := e.Store.Get(ctx, held[i].Ref)
			if err == nil && old.Order == a.Order && slices.Contains(names(a.Site, a.Formerly), old.Site) {
				return old, false, nil
			}
		}
	}
	for _, old := range recs[1:] {
		if old != nil {
			return old, false, nil // on its way when the configuration was changed
		}
	}
	if rec := e.begunBeside(ctx, beside, a); rec != nil {
		return rec, false, nil
	}
	paid := slices.ContainsFunc(orders, func(h payment.Held) bool { return h.Found })
	return nil, len(orders) > 0 && !paid, nil
}

// forgotten is why the ledger has no record of a reference that we signed: it was lost or
// restored since then, if it has a generation before this one.
func (e *Engine) forgotten(ctx context.Context) error {
	gen, err := e.generation(ctx)
	switch {
	case err != nil:
		return err
	case gen.Seq > 1:
		return errForgotten
	}
	return ErrForeign
}

// ordersOf returns the keys of a return's order, if it matters whether another payment has
// paid it. Where the return has no proof, nobody is told.
func ordersOf(a Ask, t payment.Terms) []payment.Key {
	p, _ := asked{Ask: a}.Policy(nil)
	if !a.Proof || a.Order == "" || a.Site == "" || p.Many || !t.GivesBack {
		return nil
	}
	return orders(&payment.Record{Site: a.Site, Environment: t.Environment, Order: a.Order}, p.Formerly)
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
