package nextpay

import (
	"cmp"
	"net/http"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// dialect is what of the document a relay serves. Refunds have verify's address.
var dialect = payment.Dialect{
	Hosts: []string{"nextpay.org", "www.nextpay.org"},
	Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: "/nx/gateway/token", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/nx/gateway/verify", Kind: payment.RelayVerify},
		{Method: http.MethodGet, Path: "/nx/gateway/payment/*", Kind: payment.RelayPayPage},
	},
}

// Dialect implements [payment.Relayer].
func (*Provider) Dialect() payment.Dialect { return dialect }

// ReadCall implements [payment.Relayer]. Each call says its own unit, toman where it
// says none.
func (p *Provider) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	return wire.ReadAsk(kind, c, paramID, wire.UUID, func(o wire.Object, a *payment.RelayAsk) {
		a.Number, a.Unread = o.Number("amount")
		switch a.Order = o.Text("order_id"); o.Text("currency") {
		case "", "IRT":
			a.Unit = payment.Toman
		case "IRR":
			a.Unit = payment.Rial
		default:
			a.Unread = true
		}
		switch {
		case kind == payment.RelayCreate:
			a.Callback = o.Text("callback_uri")
			return
		case o.Has("refund_request"):
			a.Kind = payment.RelayGiveBack
		}
		a.ID = o.Text(paramID)
	})
}

// ReadCreated implements [payment.Relayer].
func (p *Provider) ReadCreated(r payment.RelayReply) (id string, ok bool) {
	return wire.Created(p.started(wire.OfRelay(r)))
}

// ReadVerified implements [payment.Relayer]. The unit in which the shop's call asked binds
// its answer, whatever the block's is.
func (p *Provider) ReadVerified(r payment.RelayReply) payment.Answer {
	return p.verifyAnswerIn(wire.OfRelay(r), cmp.Or(r.Unit, p.unit()))
}

// ReadGivenBack implements [payment.Relayer].
func (*Provider) ReadGivenBack(r payment.RelayReply) payment.Outcome {
	return wire.BackOf(refundAnswer(wire.OfRelay(r)))
}

// WriteReply implements [payment.Relayer]. Nobody confirms how NextPay answers a
// repeated verify: it is said as the block's `already` reads it.
func (p *Provider) WriteReply(word payment.RelayWord, a payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	code := func(status, code int) payment.RelayReply { return wire.Say(status, map[string]any{"code": code}) }
	switch word {
	case payment.RelayFirst:
		return p.said(a, rec)
	case payment.RelayAgain:
		if p.Already == alreadyNone {
			return p.said(a, rec)
		}
		return code(http.StatusOK, codeRepeated)
	case payment.RelayAwaiting:
		return code(http.StatusOK, -3)
	case payment.RelayOtherAmount:
		return code(http.StatusOK, -24)
	case payment.RelayNoSuchCall:
		return code(http.StatusNotImplemented, -46)
	case payment.RelayForbidden:
		return code(http.StatusForbidden, -33)
	case payment.RelayUnreadable:
		return code(http.StatusBadRequest, -46)
	case payment.RelayNoPayment:
		return code(http.StatusOK, -34)
	case payment.RelayDown:
	}
	return code(http.StatusServiceUnavailable, -45)
}

// said returns a success, with the amount in the unit of the call that it answers.
func (p *Provider) said(a payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	m := map[string]any{"code": codeDone, "customer_phone": nil, "custom": nil}
	if rec != nil && rec.Receipt != nil {
		m["amount"], _ = cmp.Or(a.Unit, p.unit()).Of(cmp.Or(rec.Receipt.Amount, rec.Price()))
		m["order_id"], m["card_holder"], m[memberReference] = rec.Order, rec.Receipt.Card, rec.Receipt.Reference
		m["created_at"] = rec.CreatedAt.In(wire.Tehran).Format("2006-01-02 15:04:05")
	}
	return wire.Say(http.StatusOK, m)
}

// UnpaidParams implements [payment.Relayer]: no document says how a return tells.
func (*Provider) UnpaidParams() map[string]string { return nil }
