package zarinpal

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// dialect is what of the document a relay serves. WebGate (REST and SOAP, toman,
// other paths) is no part of it: such a plugin fails when it creates a payment,
// before any money moves.
var dialect = payment.Dialect{
	Hosts: []string{"payment.zarinpal.com", "api.zarinpal.com", "www.zarinpal.com", "zarinpal.com", "sandbox.zarinpal.com"},
	Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: pathRequest, Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: pathVerify, Kind: payment.RelayVerify},
		{Method: http.MethodPost, Path: pathInquiry, Kind: payment.RelayInquire},
		{Method: http.MethodPost, Path: pathUnverified, Kind: payment.RelayHarmless},
		{Method: http.MethodPost, Path: "/pg/v4/payment/feeCalculation.json", Kind: payment.RelayHarmless},
		{Method: http.MethodPost, Path: pathReverse, Kind: payment.RelayGiveBack},
		{Method: http.MethodGet, Path: "/pg/StartPay/*", Kind: payment.RelayPayPage},
		{Method: http.MethodGet, Path: "/pg/StartPay/*/ZarinGate", Kind: payment.RelayPayPage},
	},
}

// Dialect implements [payment.Relayer].
func (*Provider) Dialect() payment.Dialect { return dialect }

// Owns implements [payment.Relayer]. The credential is `merchant_id` in the body; in
// Zarinpal's place the host tells live from sandbox.
func (p *Provider) Owns(c payment.RelayCall) (payment.RelayOwner, error) {
	owner, err := p.ProviderConfig.Owns(c)
	if owner == payment.RelayOwn && c.Host != "" && (c.Host == hostOf(sandboxHost)) != p.Sandbox {
		owner = payment.RelayOtherEnvironment
	}
	return owner, err
}

// ReadCall implements [payment.Relayer].
func (p *Provider) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	c.Path = strings.TrimSuffix(c.Path, "/ZarinGate")
	return wire.ReadAsk(kind, c, "authority", wire.Checked(checkAuthority), func(o wire.Object, a *payment.RelayAsk) {
		a.Number, a.Unread = o.Number("amount")
		switch o.Text("currency") {
		case "":
			if kind == payment.RelayCreate {
				a.Unit = payment.Rial
			}
		case "IRR":
			a.Unit = payment.Rial
		case "IRT":
			a.Unit = payment.Toman
		default:
			a.Unread = true
		}
		if kind != payment.RelayCreate {
			a.ID = o.Text("authority")
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
func (p *Provider) ReadVerified(r payment.RelayReply) payment.Answer {
	return p.verifyAnswer(wire.OfRelay(r))
}

// ReadGivenBack implements [payment.Relayer].
func (*Provider) ReadGivenBack(r payment.RelayReply) payment.Outcome {
	return wire.BackOf(reverseAnswer(wire.OfRelay(r)))
}

// WriteReply implements [payment.Relayer].
func (p *Provider) WriteReply(word payment.RelayWord, _ payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	switch word {
	case payment.RelayFirst:
		return verified(codeDone, "Paid", rec)
	case payment.RelayAgain:
		return verified(codeAgain, "Verified", rec)
	case payment.RelayAwaiting:
		return wire.SayJSON(http.StatusOK, `{"data":{"status":"PAID","code":100,"message":"Success"},"errors":[]}`)
	case payment.RelayOtherAmount:
		return failed(http.StatusUnprocessableEntity, -50, "Session is not valid, amounts values is not the same.")
	case payment.RelayNoSuchCall:
		return failed(http.StatusNotImplemented, -52, "This address speaks payment gateway v4 only.")
	case payment.RelayForbidden:
		return failed(http.StatusForbidden, -10, "Terminal is not valid, please check merchant_id or ip address.")
	case payment.RelayUnreadable:
		return failed(http.StatusBadRequest, codeValidation, "The call can't be read.")
	case payment.RelayNoPayment:
		return failed(http.StatusUnprocessableEntity, -54, "Invalid authority.")
	case payment.RelayDown:
	}
	return failed(http.StatusServiceUnavailable, -52, "Please try again later.")
}

// verified returns a success. `card_hash` is card data that is never kept; `fee` is told
// in rials or not at all.
func verified(code int, message string, rec *payment.Record) payment.RelayReply {
	data := map[string]any{
		"code": code, "message": message, "card_hash": "", "card_pan": "", "ref_id": 0, "fee_type": "Merchant", "fee": 0,
	}
	if rec != nil && rec.Receipt != nil {
		rc := rec.Receipt
		data["card_pan"], data["fee"] = rc.Card, int64(rc.Fee)
		if rc.FeePayer == "payer" {
			data["fee_type"] = "Payer"
		}
		data["ref_id"] = rc.Reference
		if n, err := strconv.ParseInt(rc.Reference, 10, 64); err == nil && strconv.FormatInt(n, 10) == rc.Reference {
			data["ref_id"] = n
		}
	}
	return wire.Say(http.StatusOK, map[string]any{"data": data, "errors": []any{}})
}

func failed(status, code int, message string) payment.RelayReply {
	return wire.Say(status, map[string]any{
		"data": []any{}, "errors": map[string]any{"message": message, "code": code, "validations": []any{}},
	})
}

// UnpaidParams implements [payment.Relayer].
func (*Provider) UnpaidParams() map[string]string { return map[string]string{paramStatus: returnNo} }
