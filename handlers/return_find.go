package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// named is the payment that a return belongs to by our own knowledge: by the signed reference
// in our return address; by an announcement of one of its values, if the return can't be
// read or can be read in two ways; or by the cookies of payments that this browser was sent
// to pay. It goes before the provider's parameters.
//
// Invariant: a payment that our own knowledge names is not lost by what the provider's
// parameters say, or fail to say.
type named struct {
	// ref is a reference that we signed; rec is its payment, or the announced one.
	ref payment.Ref
	rec *payment.Record
	// pending are payments of this browser, if nothing else names one.
	pending []*payment.Record
}

// parse reads the parameters of a return. known is the payment's return address, if that is
// known.
func (v *Verify) parse(query string, body []byte, contentType, known string) (*params.Set, error) {
	_, own, _ := strings.Cut(known, "?")
	set, err := params.ParseKnown(query, body, contentType, v.route.guarded, own)
	if err == nil && len(v.matchers) > 0 {
		err = set.Doubled()
	}
	return set, err
}

// ours finds the payment by our own knowledge. unclear says why the return can be read in two
// ways; nil if it can't. If we know the payment's return address, the return is read by it,
// else unclear is returned.
func (t *returnRequest) ours(ctx context.Context, unclear error) (named, payment.Claimed, error) {
	var n named
	var err error
	if text := t.reference(); text != "" {
		if n.ref, err = t.keys.OpenRef(text, t.site.names); err != nil {
			return n, payment.Claimed{}, fmt.Errorf("%w: %s", payment.ErrMalformed, token.ParamRef)
		}
		n.rec, err = t.eng.Store.Get(ctx, n.ref)
		if err != nil && !errors.Is(err, payment.ErrNotFound) {
			return n, payment.Claimed{}, err
		}
	}
	if n.rec != nil && !payment.SameMoney(n.rec.Issuer, t.v.route.provider.terms.Issuer) {
		return n, t.ofAnother(n.rec), nil
	}
	var claimed payment.Claimed
	if unclear == nil {
		claimed, err = t.v.route.provider.ReadReturn(t.set.Get)
		if n.rec == nil && err == nil && (claimed.ID != "" || n.ref != "") {
			return n, claimed, nil // it names one itself
		}
	}
	if n.rec == nil && n.ref == "" && (unclear != nil || err != nil) {
		n.rec = t.announced(ctx)
	}
	switch {
	case n.rec != nil:
		claimed, err = t.known(n.rec, unclear)
		return n, claimed, err
	case unclear != nil:
		return n, claimed, unclear
	case n.ref == "":
		order := claimed.Order
		if source := t.v.route.order; order == "" {
			order, _ = source.read(t.r, t.set)
		}
		if n.pending = t.pendings(ctx, order); len(n.pending) > 0 {
			return n, payment.Claimed{}, nil
		}
	}
	return n, claimed, err
}

// ofAnother reads the return of a payment of another gateway, which had this path when its
// customer was sent to pay, by that gateway if it is still configured. Nothing of it goes
// through this route.
func (t *returnRequest) ofAnother(rec *payment.Record) payment.Claimed {
	t.other, t.mute = true, true
	t.set, _ = t.v.parse("", nil, "", "")
	claimed := payment.Claimed{ID: rec.ID, Order: rec.Order}
	if own, ok := t.eng.ProviderOf(rec); ok {
		read, err := own.ReadReturn(func(name string) string { return firstOf(t.r, t.body, name) })
		if err == nil && read.ID == rec.ID {
			claimed = read
			claimed.Order = rec.Order
		}
	}
	return claimed
}

// known reads the return again, by the known return address of its payment.
func (t *returnRequest) known(rec *payment.Record, unclear error) (payment.Claimed, error) {
	set, err := t.v.parse(t.r.URL.RawQuery, t.body, t.r.Header.Get("Content-Type"), rec.Return.Address())
	switch {
	case err == nil:
		t.set = set
	case rec.Return == nil && settledFor(rec):
		// Delivered, and its address is forgotten: it may be told of, but not
		// handed on.
		t.mute = true
		t.set, _ = t.v.parse("", nil, "", "")
		return payment.Claimed{ID: rec.ID, Order: rec.Order}, nil
	default:
		return payment.Claimed{}, cmp.Or(unclear, err)
	}
	claimed, err := t.v.route.provider.ReadReturn(set.Get)
	if err != nil || claimed.ID != "" && claimed.ID != rec.ID {
		// Ours goes before what somebody wrote there, and nothing that is said of
		// another payment counts for this one.
		return payment.Claimed{ID: rec.ID, Order: rec.Order}, nil
	}
	claimed.Order = rec.Order
	return claimed, nil
}

// reference returns our own reference in the return address, also if the return can be read in
// two ways.
func (t *returnRequest) reference() string {
	if t.set != nil {
		return t.set.Get(token.ParamRef)
	}
	if all := params.Values(t.r.URL.RawQuery, nil, token.ParamRef); len(all) == 1 {
		return all[0]
	}
	return ""
}

// announced finds an announced payment whose id is the value of one of the provider's
// parameters. If the provider's returns name the order, another parameter must have the
// payment's order: with the id alone a stranger could learn whether the payment exists.
func (t *returnRequest) announced(ctx context.Context) *payment.Record {
	tr := t.v.route.provider.terms
	ids := t.values()
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for _, id := range ids[:min(len(ids), mostTried)] {
		ref, err := t.eng.Store.Holder(ctx, payment.IntentKey(tr.Issuer, id))
		if err != nil {
			continue
		}
		rec, err := t.eng.Store.Get(ctx, ref)
		if err == nil && rec.ID == id && t.mine(rec) && (!tr.ReturnsOrder || rec.CreatedOrder() == "" || slices.Contains(ids, rec.Order)) {
			return rec
		}
	}
	return nil
}

// values are those of the provider's parameters, also if the return can be read in two ways.
func (t *returnRequest) values() (all []string) {
	for _, name := range t.v.route.provider.terms.Params {
		all = append(all, params.Values(t.r.URL.RawQuery, t.body, name)...)
	}
	return all
}

// mostTried bounds the look-ups for one return that can't be read.
const mostTried = 16

// asks returns the engine's inputs for the payments of this browser, if nothing else names
// one.
func (n named) asks(a engine.Ask) []engine.Ask {
	all := make([]engine.Ask, 0, len(n.pending))
	for _, rec := range n.pending {
		a.Ref, a.Order = rec.Ref, rec.Order
		a.Claimed = payment.Claimed{ID: rec.ID, Order: rec.Order}
		all = append(all, a)
	}
	return all
}
