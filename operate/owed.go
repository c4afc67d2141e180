package operate

import (
	"context"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// OwedTotal is how many refused payments' money is with the shops, up to [CountedMost],
// and their sum; no sites are all.
func OwedTotal(ctx context.Context, e *engine.Engine, sites []string) (n int, sum payment.Rials, err error) {
	q := payment.Listing{Owed: true}
	if len(sites) == 1 {
		q.Site = sites[0]
	}
	shown := make(map[string]bool, len(sites))
	for _, s := range sites {
		shown[s] = true
	}
	_, err = each(ctx, e, q, CountedMost, func(r *payment.Record) {
		if len(sites) == 0 || shown[r.Site] {
			n++
			sum += OwedSum(r)
		}
	})
	return n, sum, err
}
