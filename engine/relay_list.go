package engine

import (
	"context"

	"github.com/rahgir/caddy-payments/payment"
)

// maskMost is how many of the newest payments that nobody has heard of are looked for
// where a shop asks for a list.
const maskMost = 1000

// relayList is an answer to a shop's call for a list, with what the shop has not heard
// of as it was before its verify.
func (e *Engine) relayList(ctx context.Context, prov Provider, c Relay, reply payment.RelayReply) payment.RelayReply {
	masker, ok := prov.Provider.(payment.Masker)
	if !ok || reply.Err != nil || reply.Status == 0 || !masker.Lists(c.Call) {
		return reply
	}
	page, err := e.Store.List(context.WithoutCancel(ctx), payment.Listing{
		States: []payment.State{payment.Verified, payment.Delivering, payment.Parked, payment.Review}, Limit: maskMost,
	})
	if err != nil {
		e.trouble(nil, err, false)
		return reply
	}
	var unheard []*payment.Record
	until := e.now().Add(relayTelling)
	for _, rec := range page.Records {
		if rec.Issuer != prov.Terms().Issuer || c.elsewhere(rec) {
			continue // what another shop has not heard is no business of this one
		}
		if rec = e.afterTelling(ctx, rec, until); rec.Unheard() {
			unheard = append(unheard, rec)
		}
	}
	if len(unheard) == 0 {
		return reply
	}
	return masker.Mask(reply, unheard)
}
