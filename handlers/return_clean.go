package handlers

import (
	"context"
	"slices"

	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// clean is the address of a return without anything of the provider's, for one that
// can't be read, or not in one way, though our own word (the reference in it, or a
// cookie of this browser) says which payment it is of. Empty where nothing says so, and
// where this is that address.
//
// Its invariant: a customer who was sent to pay by us is not told that the return was
// changed: nothing of what was changed is needed.
func (t *returnRequest) clean() string {
	if pages.TakesNoPage(t.r) {
		return ""
	}
	// The return is seen through, though its browser may leave.
	ctx := context.WithoutCancel(t.r.Context())
	var err error
	if t.eng, t.keys, err = t.h.ready(ctx); err != nil {
		return ""
	}
	refs := params.Values(t.r.URL.RawQuery, nil, token.ParamRef)
	rec := t.own(ctx, refs)
	if rec == nil {
		return ""
	}
	to := ""
	switch {
	case rec.Return.Address() != "":
		to = t.h.wayBack(t.r).front + rec.Return.Address()
	case len(refs) == 0:
		to = t.selfURI()
	default:
		return ""
	}
	if len(params.Values(to, nil, token.ParamRef)) == 0 {
		to = appendQuery(to, token.ParamRef, t.keys.SignRef(rec.Ref, t.site.id))
	}
	if to = sameHost(to); to == sameHost(originalURI(t.r)) {
		return ""
	}
	return to
}

// own is the payment that our own word names: the reference in the address, or the
// cookies of what this browser was sent to pay, of which the return may name one.
func (t *returnRequest) own(ctx context.Context, refs []string) *payment.Record {
	get := func(text string) *payment.Record {
		ref, err := t.keys.OpenRef(text, t.site.names)
		if err != nil {
			return nil
		}
		rec, err := t.eng.Store.Get(ctx, ref)
		if err != nil || !t.mine(rec) {
			return nil
		}
		return rec
	}
	if len(refs) > 0 {
		return get(refs[0])
	}
	ids := t.values()
	var all []*payment.Record
	for _, c := range t.h.pending(t.r, t.keys) {
		rec := get(c.Value)
		switch {
		case rec == nil:
		case slices.Contains(ids, rec.ID):
			return rec
		case !settledFor(rec):
			all = append(all, rec)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return nil
}
