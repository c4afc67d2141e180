package vandar

import (
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// dialect is what of the document a relay serves: v4, and v3, which has the same
// bodies. Refunds are at another host, which a relay leaves alone.
var dialect = payment.Dialect{
	Hosts: []string{"ipg.vandar.io"},
	Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: "/api/v4/send", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/api/v3/send", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/api/v4/verify", Kind: payment.RelayVerify},
		{Method: http.MethodPost, Path: "/api/v3/verify", Kind: payment.RelayVerify},
		{Method: http.MethodPost, Path: "/api/v4/transaction", Kind: payment.RelayInquire},
		{Method: http.MethodGet, Path: "/v4/*", Kind: payment.RelayPayPage},
		{Method: http.MethodGet, Path: "/v3/*", Kind: payment.RelayPayPage},
		{Method: http.MethodGet, Path: "/web/v4/*", Kind: payment.RelayPayPage},
	},
}

// Dialect implements [payment.Relayer].
func (*Provider) Dialect() payment.Dialect { return dialect }

// AsksReferrer implements [payment.Referred].
func (*Provider) AsksReferrer() {}

// ReadCall implements [payment.Relayer]. Amounts are rials.
func (p *Provider) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	return wire.ReadAsk(kind, c, paramToken, wire.Checked(checkToken), func(o wire.Object, a *payment.RelayAsk) {
		if kind != payment.RelayCreate {
			a.ID = o.Text(paramToken)
			return
		}
		a.Number, a.Unread = o.Number("amount")
		a.Unit, a.Order, a.Callback = payment.Rial, o.Text("factorNumber"), o.Text("callback_url")
	})
}

// ReadCreated implements [payment.Relayer].
func (p *Provider) ReadCreated(r payment.RelayReply) (id string, ok bool) {
	return wire.Created(p.started(wire.OfRelay(r)))
}

// ReadVerified implements [payment.Relayer].
func (p *Provider) ReadVerified(r payment.RelayReply) payment.Answer {
	return p.verifyAnswer(wire.OfRelay(r))
}

// WriteReply implements [payment.Relayer].
func (p *Provider) WriteReply(word payment.RelayWord, _ payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	failed := func(status int, text string) payment.RelayReply {
		return wire.Say(status, map[string]any{"status": statusFailed, "errors": []string{text}})
	}
	switch word {
	case payment.RelayFirst:
		return wire.Say(http.StatusOK, told(statusOK, "ok", rec))
	case payment.RelayAgain:
		return wire.Say(http.StatusOK, told(statusAgain, "already verified", rec))
	case payment.RelayAwaiting:
		m := told(statusOK, "Confirm requierd", rec) // as the document spells it
		m["code"] = codeWaiting
		return wire.Say(http.StatusOK, m)
	case payment.RelayOtherAmount:
		return failed(http.StatusUnprocessableEntity, "the amount differs")
	case payment.RelayNoSuchCall:
		return failed(http.StatusNotImplemented, "this address speaks the payment gateway's v3 and v4 only")
	case payment.RelayForbidden:
		return failed(http.StatusForbidden, "api_key is not valid")
	case payment.RelayUnreadable:
		return failed(http.StatusBadRequest, "the call can't be read")
	case payment.RelayNoPayment:
		return failed(http.StatusUnprocessableEntity, "token is not valid")
	case payment.RelayDown:
	}
	return failed(http.StatusServiceUnavailable, "please try again later")
}

// told returns the members of an answer about a payment, in the forms of the document's
// sample. `cid` is card data that is never kept.
func told(status int, message string, rec *payment.Record) map[string]any {
	m := map[string]any{"status": status, "message": message}
	if rec == nil || rec.Receipt == nil {
		return m
	}
	rc := rec.Receipt
	paid, price := max(rc.Amount, rc.Paid), rc.Amount
	if rc.Paid == 0 {
		price -= rc.Fee // the merchant bears it
	}
	m["amount"], m["realAmount"], m["wage"] = paid.String()+".00", int64(price), nil
	if rc.Fee > 0 {
		m["wage"] = rc.Fee.String()
	}
	m["transId"], m["factorNumber"], m["mobile"], m["description"] = nil, nil, nil, ""
	if n, err := strconv.ParseInt(rc.Number, 10, 64); err == nil {
		m["transId"] = n
	}
	if rec.Order != "" {
		m["factorNumber"] = rec.Order
	}
	m["cardNumber"], m["cid"], m["paymentDate"] = rc.Card, nil, nil
	if !rc.PaidAt.IsZero() {
		m["paymentDate"] = rc.PaidAt.In(wire.Tehran).Format("2006-01-02 15:04:05")
	}
	return m
}

// UnpaidParams implements [payment.Relayer].
func (*Provider) UnpaidParams() map[string]string {
	return map[string]string{paramStatus: returnedFailed}
}
