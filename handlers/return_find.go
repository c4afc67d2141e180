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

// named is what our own word says of a return, before anything that the provider
// is said to have written: the reference in our return address; the announcement
// of one of the values in it, where it doesn't read in one way or not at all; the
// cookies of what this browser was sent to pay.
//
// Its invariant: where our own word names a payment, what the provider's
// parameters say, or fail to say, does not lose it.
type named struct {
	// ref is a reference that we signed, rec its payment or the announced one.
	ref payment.Ref
	rec *payment.Record
	// pending are payments of this browser, where nothing else names one.
	pending []*payment.Record
}

// parse reads a return to an address that is known of its payment, if it is.
func (v *Verify) parse(query string, body []byte, contentType, known string) (*params.Set, error) {
	_, own, _ := strings.Cut(known, "?")
	return params.ParseKnown(query, body, contentType, v.route.guarded, own)
}

// ours finds what our own word says. unclear is why the return doesn't read in
// one way, nil if it does: it is mended by an address that we know, or returned.
func (t *visit) ours(ctx context.Context, unclear error) (named, payment.Claimed, error) {
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

// known reads the return anew as one to the address that is known of its
// payment.
func (t *visit) known(rec *payment.Record, unclear error) (payment.Claimed, error) {
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

// reference returns our own reference in the return address, of a return that reads
// in one way or not.
func (t *visit) reference() string {
	if t.set != nil {
		return t.set.Get(token.ParamRef)
	}
	if all := params.Values(t.r.URL.RawQuery, nil, token.ParamRef); len(all) == 1 {
		return all[0]
	}
	return ""
}

// announced finds the payment of which one of the provider's parameters has the
// id and, where the provider's returns name the order, another one the order: with the
// id alone a stranger would learn whether there is such a payment.
func (t *visit) announced(ctx context.Context) *payment.Record {
	tr := t.v.route.provider.terms
	var ids []string
	for _, name := range tr.Params {
		ids = append(ids, params.Values(t.r.URL.RawQuery, t.body, name)...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for _, id := range ids[:min(len(ids), mostTried)] {
		ref, err := t.eng.Store.Holder(ctx, payment.IntentKey(tr.Issuer, id))
		if err != nil {
			continue
		}
		rec, err := t.eng.Store.Get(ctx, ref)
		if err == nil && rec.ID == id && t.mine(rec) && (!tr.ReturnsOrder || slices.Contains(ids, rec.Order)) {
			return rec
		}
	}
	return nil
}

// mostTried bounds what one return that doesn't read may have looked up.
const mostTried = 16

// asks returns the questions about the payments of this browser, where nothing else
// names one.
func (n named) asks(a engine.Ask) []engine.Ask {
	all := make([]engine.Ask, 0, len(n.pending))
	for _, rec := range n.pending {
		a.Ref, a.Order = rec.Ref, rec.Order
		a.Claimed = payment.Claimed{ID: rec.ID, Order: rec.Order}
		all = append(all, a)
	}
	return all
}
