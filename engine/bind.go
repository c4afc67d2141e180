package engine

import (
	"context"

	"github.com/rahgir/caddy-payments/payment"
)

// bind takes a payment out of review that is there only because its return named another
// order, if this return names its own. Otherwise a stranger who brings a customer's
// receipt with another order would make that customer wait for a person. The provider's
// answer was compared before; the uniqueness keys are taken now. The record keeps its
// generation, because a restored ledger may have forgotten that this happened before. It
// returns the record as it is afterwards.
func (e *Engine) bind(ctx context.Context, rec *payment.Record, a Ask) *payment.Record {
	if rec.State != payment.Review || a.Bound == nil || !a.Bound(rec.Order) || a.Claimed.Hint == payment.HintUnpaid {
		return rec
	}
	now := e.now()
	next := rec.Clone()
	e.remember(next, job{ask: a}, now)
	if err := next.Bind(now, now.Add(browserGrace)); err != nil {
		return rec
	}
	e.sell(next, now)
	policy, _ := asked{a, e.Sites}.Policy(next)
	var take []payment.Key
	prov, err := e.providerFor(next)
	if err == nil {
		take, err = e.keys(ctx, next, prov, policy, a.Site)
	} else {
		take, err = e.keysOf(ctx, next)
	}
	if err == nil {
		err = e.commit(ctx, next, false, take...)
	}
	if err != nil {
		// Another return was first, or another payment has the order.
		if fresh, err := e.Store.Get(ctx, rec.Ref); err == nil {
			return fresh
		}
		return rec
	}
	e.observe(EventVerified, next, nil, false)
	return next
}
