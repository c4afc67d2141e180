package nextpay

import (
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The parameters of the return. np_status is not confirmed: nobody is believed
// about it.
const (
	paramID     = "trans_id"
	paramOrder  = "order_id"
	paramAmount = "amount"
	paramCard   = "card_holder"
	paramStatus = "np_status"
)

// ReadReturn implements [payment.Provider]. It says nothing about paid or not: no
// parameter is confirmed to tell.
func (p *Provider) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	id, ok := wire.UUID(get(paramID))
	if !ok {
		return payment.Claimed{}, wire.Malformed(paramID)
	}
	c := payment.Claimed{ID: id}
	if order := get(paramOrder); order != "" && p.comparesOrder() {
		if !wire.CheckOrder(order) {
			return payment.Claimed{}, wire.Malformed(paramOrder)
		}
		c.Order = order
	}
	return c, nil
}

// ReturnParams implements [payment.Provider]. A status that the browser brought is
// removed beside a receipt, which knows better.
func (p *Provider) ReturnParams(r *payment.Record) map[string]string {
	params := map[string]string{paramCard: ""}
	if r.ID != "" {
		params[paramID] = r.ID
	}
	if r.Order != "" && p.comparesOrder() {
		params[paramOrder] = r.Order
	}
	if rc := r.Receipt; rc != nil {
		params[paramCard], params[paramStatus] = rc.Card, ""
		if n, whole := p.unit().Of(rc.Amount); whole && n > 0 {
			params[paramAmount] = strconv.FormatInt(n, 10)
		}
	}
	return params
}

// ReadID implements [payment.IDReader].
func (*Provider) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.UUID, "a trans_id, a UUID")
}
