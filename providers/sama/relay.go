package sama

import (
	"net/http"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// dialect is what of the document a relay serves. Its paths end with a slash, which is
// forwarded as it came. Create's answer and the pay page are inferred.
var dialect = payment.Dialect{
	Hosts: []string{"app.sama.ir"},
	Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: "/api/pg/v2/payment/request.json", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/api/pg/v2/payment/verify.json", Kind: payment.RelayVerify},
		{Method: http.MethodGet, Path: "/pg/StartPay/*", Kind: payment.RelayPayPage},
	},
}

// Dialect implements [payment.Relayer].
func (*Provider) Dialect() payment.Dialect { return dialect }

// ReadCall implements [payment.Relayer]. IRR is the only documented currency.
func (p *Provider) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	return wire.ReadAsk(kind, c, paramLower, wire.UUID, func(o wire.Object, a *payment.RelayAsk) {
		a.Number, a.Unread = o.Number("amount")
		a.Unit = payment.Rial
		if currency := o.Text("currency"); currency != "" && currency != "IRR" {
			a.Unit, a.Unread = 0, true
		}
		if kind != payment.RelayCreate {
			a.ID = o.Text(paramLower)
			return
		}
		metadata, _ := o.Object("metadata")
		a.Order, a.Callback = metadata.Text("order_id"), o.Text("callback_url")
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

// WriteReply implements [payment.Relayer]. Which code tells another amount is not
// documented: it is said as a member that isn't valid.
func (p *Provider) WriteReply(word payment.RelayWord, _ payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	failed := func(status int, code, message string, validations ...any) payment.RelayReply {
		return wire.Say(status, map[string]any{
			"data": []any{}, "errors": map[string]any{"code": code, "message": message, "validations": append([]any{}, validations...)},
		})
	}
	switch word {
	case payment.RelayFirst:
		return said(codeVerified, "Paid", rec)
	case payment.RelayAgain:
		return said(codeVerifiedBefore, "Verified", rec)
	case payment.RelayOtherAmount:
		return failed(http.StatusBadRequest, "-9", "Validation error.", map[string]any{"amount": "The amount differs."})
	case payment.RelayAwaiting:
		return failed(http.StatusBadRequest, "40131", "The payment is not done.")
	case payment.RelayNoSuchCall:
		return failed(http.StatusNotImplemented, "not_found", "This address speaks the payment API v2 only.")
	case payment.RelayForbidden:
		return failed(http.StatusForbidden, "not_authenticated", "The merchant_id is not valid.")
	case payment.RelayUnreadable:
		return failed(http.StatusBadRequest, "-9", "The call can't be read.")
	case payment.RelayNoPayment:
		return failed(http.StatusBadRequest, "-9", "Validation error.", map[string]any{"authority": "The authority is not valid."})
	case payment.RelayDown:
	}
	return failed(http.StatusServiceUnavailable, "unavailable", "Please try again later.")
}

// said returns a success. The hashed card is never kept.
func said(code int, message string, rec *payment.Record) payment.RelayReply {
	data := map[string]any{"code": code, "message": message, "card_hash": "", "card_pan": "", "ref_id": "", "fee_type": "none", "fee": 0}
	if rec != nil && rec.Receipt != nil {
		rc := rec.Receipt
		data["card_pan"], data["ref_id"], data["fee"] = rc.Card, rc.Reference, int64(rc.Fee)
		switch rc.FeePayer {
		case "merchant", "both":
			data["fee_type"] = rc.FeePayer
		case "payer":
			data["fee_type"] = "buyer"
		}
	}
	return wire.Say(http.StatusOK, map[string]any{"data": data, "errors": []any{}})
}

// UnpaidParams implements [payment.Relayer]: no document says how a return tells.
func (*Provider) UnpaidParams() map[string]string { return nil }
