package idpay

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The headers of the dialect, in canonical form.
const (
	headerKey     = "X-Api-Key"
	headerSandbox = "X-Sandbox"
)

// dialect is what of the document a relay serves: v1.1.
var dialect = payment.Dialect{
	Hosts: []string{"api.idpay.ir", "idpay.ir"},
	Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: "/v1.1/payment", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/v1.1/payment/verify", Kind: payment.RelayVerify},
		{Method: http.MethodPost, Path: "/v1.1/payment/inquiry", Kind: payment.RelayInquire},
		{Method: http.MethodPost, Path: "/v1.1/payment/transactions", Kind: payment.RelayHarmless},
		{Method: http.MethodGet, Path: "/p/ws/*", Kind: payment.RelayPayPage},
		{Method: http.MethodGet, Path: "/p/ws-sandbox/*", Kind: payment.RelayPayPage},
	},
	Headers: []string{headerKey, headerSandbox},
}

// Dialect implements [payment.Relayer].
func (*Provider) Dialect() payment.Dialect { return dialect }

// Owns implements [payment.Relayer]. The credential is a header, and another tells
// the environment: clients write 1, true and True.
func (p *Provider) Owns(c payment.RelayCall) (payment.RelayOwner, error) {
	owner, err := p.Belongs(c.Header[headerKey], "X-API-KEY")
	if owner != payment.RelayOwn || err != nil {
		return owner, err
	}
	sandbox := false
	switch c.Header[headerSandbox] {
	case "1", "true", "True", "TRUE":
		sandbox = true
	case "", "0", "false", "False", "FALSE":
	default:
		return payment.RelayStranger, wire.Malformed("X-SANDBOX")
	}
	if sandbox != p.Sandbox {
		return payment.RelayOtherEnvironment, nil
	}
	return payment.RelayOwn, nil
}

// ReadCall implements [payment.Relayer]. Amounts are rials.
func (p *Provider) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	if kind == payment.RelayHarmless {
		return payment.RelayAsk{Kind: kind}, nil
	}
	return wire.ReadAsk(kind, c, paramID, wire.Checked(checkID), func(o wire.Object, a *payment.RelayAsk) {
		if a.Order = o.Text(paramOrderID); kind != payment.RelayCreate {
			a.ID = o.Text(paramID)
			return
		}
		a.Number, a.Unread = o.Number(paramAmount)
		a.Unit, a.Callback = payment.Rial, o.Text("callback")
	})
}

// ReadCreated implements [payment.Relayer].
func (p *Provider) ReadCreated(r payment.RelayReply) (id string, ok bool) {
	return wire.Created(p.started(wire.OfRelay(r)))
}

// ReadVerified implements [payment.Relayer].
func (*Provider) ReadVerified(r payment.RelayReply) payment.Answer {
	return verifyAnswer(wire.OfRelay(r))
}

// WriteReply implements [payment.Relayer]. Verify is told no amount, so none differs;
// the word is "verify not possible" all the same.
func (p *Provider) WriteReply(word payment.RelayWord, _ payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	failed := func(status, code int, message string) payment.RelayReply {
		return wire.Say(status, map[string]any{"error_code": code, "error_message": message})
	}
	switch word {
	case payment.RelayFirst:
		return said(statusVerified, rec)
	case payment.RelayAgain:
		return said(statusVerifiedBefore, rec)
	case payment.RelayAwaiting:
		return said(statusWaiting, rec)
	case payment.RelayOtherAmount:
		return failed(http.StatusMethodNotAllowed, 53, "the payment can't be verified")
	case payment.RelayNoSuchCall:
		return failed(http.StatusNotImplemented, -1, "this address speaks IDPay v1.1 only")
	case payment.RelayForbidden:
		return failed(http.StatusForbidden, 12, "the API key was not found")
	case payment.RelayUnreadable:
		return failed(http.StatusBadRequest, -1, "the call can't be read")
	case payment.RelayNoPayment:
		return failed(http.StatusBadRequest, 52, "there is no such payment")
	case payment.RelayDown:
	}
	return failed(http.StatusServiceUnavailable, 15, "please try again later")
}

// said returns a payment in the forms of IDPay's own collection of examples: the status is
// a number, everything else a text. The hashed card is never kept.
func said(status int, rec *payment.Record) payment.RelayReply {
	m := map[string]any{"status": status}
	if rec != nil && rec.Receipt != nil {
		rc := rec.Receipt
		amount := cmp.Or(rc.Amount, rec.Price())
		paid := cmp.Or(rc.Paid, amount)
		paidAt, verifiedAt := "", ""
		if !rc.PaidAt.IsZero() {
			paidAt = strconv.FormatInt(rc.PaidAt.Unix(), 10)
		}
		if !rc.VerifiedAt.IsZero() && status != statusWaiting {
			verifiedAt = strconv.FormatInt(rc.VerifiedAt.Unix(), 10)
		}
		m["track_id"], m["id"], m["order_id"], m["amount"], m["date"] = rc.Number, rec.ID, rec.Order, amount.String(), paidAt
		m["payment"] = map[string]any{"track_id": rc.Reference, "amount": paid.String(), "card_no": rc.Card, "hashed_card_no": "", "date": paidAt}
		m["verify"] = map[string]any{"date": verifiedAt}
	}
	return wire.Say(http.StatusOK, m)
}

// UnpaidParams implements [payment.Relayer]: the payment failed.
func (*Provider) UnpaidParams() map[string]string {
	return map[string]string{paramStatus: "2", paramAmount: "", paramCard: "", paramHash: "", paramDate: ""}
}
