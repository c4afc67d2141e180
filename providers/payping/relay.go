package payping

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// dialect is what of the document a relay serves: v3. Version 2 is no part of it,
// because its verify doesn't name the payment: such a plugin fails when it creates one.
var dialect = payment.Dialect{
	Hosts: []string{"api.payping.ir"},
	Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: "/v3/pay", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/v3/pay/verify", Kind: payment.RelayVerify},
		{Method: http.MethodGet, Path: "/v1/report/*", Kind: payment.RelayInquire},
		{Method: http.MethodPost, Path: "/v3/pay/reverse", Kind: payment.RelayGiveBack},
		{Method: http.MethodDelete, Path: "/v3/pay", Kind: payment.RelayGiveBack},
		{Method: http.MethodGet, Path: "/v3/pay/start/*", Kind: payment.RelayPayPage},
	},
	Headers: []string{"Authorization"},
}

// Dialect implements [payment.Relayer].
func (*Provider) Dialect() payment.Dialect { return dialect }

// Owns implements [payment.Relayer]. The credential is the bearer's token.
func (p *Provider) Owns(c payment.RelayCall) (payment.RelayOwner, error) {
	scheme, token, _ := strings.Cut(c.Header["Authorization"], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	return p.Belongs(strings.TrimSpace(token), "Authorization")
}

// ReadCall implements [payment.Relayer]. Amounts are toman; names come in any case.
func (p *Provider) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	return wire.ReadAsk(kind, c, "paymentCode", wire.Checked(checkCode), func(o wire.Object, a *payment.RelayAsk) {
		o = lower(o)
		a.Number, a.Unread = o.Number("amount")
		if a.Unit = payment.Toman; kind != payment.RelayCreate {
			a.ID = o.Text("paymentcode")
			if proof := o.Text("paymentrefid"); kind == payment.RelayVerify {
				if _, ok := refID(proof); ok {
					a.Proof = proof
				}
			}
			return
		}
		a.Order, a.Callback = o.Text("clientrefid"), o.Text("returnurl")
	})
}

// ReadCreated implements [payment.Relayer].
func (p *Provider) ReadCreated(r payment.RelayReply) (id string, ok bool) {
	return wire.Created(p.started(wire.OfRelay(r)))
}

// ReadVerified implements [payment.Relayer]. The bank's number is the shop's to
// compare, which was told it by the customer's return; here it is read only.
func (p *Provider) ReadVerified(r payment.RelayReply) payment.Answer {
	reply := wire.OfRelay(r)
	o := lower(reply.Object)
	ref, ok := o.Int("paymentrefid")
	if !ok {
		ref, _ = paidBefore(o).Int("paymentrefid")
	}
	return p.verifyAnswer(reply, ref)
}

// ReadGivenBack implements [payment.Relayer]. A cancelled payment (DELETE) was not
// paid: 204 says that nothing will be.
func (*Provider) ReadGivenBack(r payment.RelayReply) payment.Outcome {
	return wire.BackOf(reverseAnswer(wire.OfRelay(r)))
}

// WriteReply implements [payment.Relayer].
func (p *Provider) WriteReply(word payment.RelayWord, a payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	switch word {
	case payment.RelayFirst:
		return wire.Say(http.StatusOK, said(rec, "amount", "cardNumber", "cardHashPan", "clientRefId", "paymentRefId", "code", "payedDate", "payerWage", "businessWage", "gatewayAmount", "paypingVat"))
	case payment.RelayAgain:
		return problem(http.StatusConflict, codeBefore, said(rec, "Amount", "GatewayAmount", "ClientRefId", "PaymentRefId", "Code", "PayedDate", "CardNumber"))
	case payment.RelayAwaiting:
		m := said(rec, "code", "clientRefId", "amount")
		m["isPaid"], m["paymentStatus"] = true, stateWaiting
		return wire.Say(http.StatusOK, m)
	case payment.RelayOtherAmount:
		return problem(http.StatusBadRequest, 137, "the amount differs")
	case payment.RelayNoSuchCall:
		return problem(http.StatusNotImplemented, nil, "this address speaks PayPing v3 only")
	case payment.RelayForbidden:
		return problem(http.StatusForbidden, nil, "the token is not valid")
	case payment.RelayUnreadable:
		return problem(http.StatusBadRequest, nil, "the call can't be read")
	case payment.RelayNoPayment:
		return problem(http.StatusBadRequest, 122, "there is no such payment")
	case payment.RelayDown:
	}
	return problem(http.StatusServiceUnavailable, nil, "please try again later")
}

// said returns the members of a payment under the given names, in toman and UTC.
func said(rec *payment.Record, names ...string) map[string]any {
	m := map[string]any{}
	if rec == nil || rec.Receipt == nil {
		return m
	}
	rc := rec.Receipt
	toman := func(r payment.Rials) int64 { n, _ := payment.Toman.Of(r); return n }
	ref, _ := refID(rc.Number)
	values := map[string]any{
		"amount": toman(rc.Amount), "gatewayamount": toman(max(rc.Amount, rc.Paid)), "cardnumber": rc.Card, "cardhashpan": "",
		"clientrefid": rec.Order, "paymentrefid": ref, "code": rec.ID, "payeddate": "", "payerwage": 0, "businesswage": 0, "paypingvat": 0,
	}
	if !rc.PaidAt.IsZero() {
		values["payeddate"] = rc.PaidAt.UTC().Format("2006-01-02 15:04:05Z")
	}
	if rc.Fee > 0 {
		values[map[bool]string{true: "payerwage", false: "businesswage"}[rc.FeePayer == "payer"]] = toman(rc.Fee)
	}
	for _, name := range names {
		m[name] = values[strings.ToLower(name)]
	}
	return m
}

// problem returns an error in the form of RFC 7807.
func problem(status int, code, message any) payment.RelayReply {
	meta := map[string]any{"message": message}
	if code != nil {
		meta["code"] = code
	}
	if text, ok := message.(string); ok {
		delete(meta, "message")
		meta["errors"] = []any{map[string]any{"message": text}}
	}
	return wire.Say(status, map[string]any{"title": http.StatusText(status), "status": status, "detail": strconv.Itoa(status), "metaData": meta})
}

// UnpaidParams implements [payment.Relayer].
func (*Provider) UnpaidParams() map[string]string {
	params := map[string]string{paramStatus: "0", paramStatusUpper: "0", paramData: ""}
	for _, names := range [][]string{refNames, cardNames, hashNames} {
		for _, name := range names {
			params[name] = ""
		}
	}
	return params
}
