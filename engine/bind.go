package engine

import (
	"context"

	"github.com/rahgir/caddy-payments/payment"
)

// bind takes a payment out of review whose only fault was the return that it came
// with, if this return names its order: a stranger who brings a customer's receipt with
// another order must not leave that customer to a person. The provider's answer
// was compared then; what a payment takes is taken now. Its generation stays that of
// then: a ledger put back may have forgotten that this happened once already. It
// returns the record as it stands.
func (e *Engine) bind(ctx context.Context, prov Provider, rec *payment.Record, a Ask) *payment.Record {
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
	take, err := e.keys(ctx, next, prov, policy, a.Site)
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
