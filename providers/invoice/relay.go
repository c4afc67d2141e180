package invoice

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// dialect returns what of the script's document a relay serves, on the given hosts.
func dialect(hosts ...string) payment.Dialect {
	return payment.Dialect{
		Hosts: hosts,
		Routes: []payment.RelayRoute{
			{Method: http.MethodPost, Path: "/invoice/request", Kind: payment.RelayCreate},
			{Method: http.MethodPost, Path: "/invoice/check/*", Kind: payment.RelayVerify},
			{Method: http.MethodGet, Path: "/invoice/pay/*", Kind: payment.RelayPayPage},
		},
	}
}

// Dialect implements [payment.Relayer]. Which host runs the script is the
// configuration's to say, so a relay can't be in its place.
func (*Provider) Dialect() payment.Dialect { return dialect() }

// Dialect implements [payment.Relayer].
func (*Pal24) Dialect() payment.Dialect { return dialect("24pal.ir", "www.24pal.ir") }

// Dialect implements [payment.Relayer].
func (*Poolam) Dialect() payment.Dialect { return dialect("poolam.ir", "www.poolam.ir") }

// ReadCall implements [payment.Relayer]. Amounts are rials. A client of the script
// encodes return_url twice, as a note in the document can be read.
func (*Account) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	ask := payment.RelayAsk{Kind: kind}
	if kind != payment.RelayCreate {
		if ask.ID = wire.LastSegment(c.Path); !checkKey(ask.ID) {
			return ask, wire.Malformed(paramKey)
		}
		return ask, nil
	}
	o, err := wire.CallFields(c)
	if err != nil {
		return ask, err
	}
	ask.Number, ask.Unread = o.Number("amount")
	ask.Unit, ask.Callback = payment.Rial, o.Text("return_url")
	if folded := strings.ToLower(ask.Callback); strings.HasPrefix(folded, "http%3a") || strings.HasPrefix(folded, "https%3a") {
		if decoded, err := url.QueryUnescape(ask.Callback); err == nil {
			ask.Callback = decoded
		}
	}
	return ask, nil
}

// ReadCreated implements [payment.Relayer].
func (a *Account) ReadCreated(r payment.RelayReply) (id string, ok bool) {
	return wire.Created(a.started(wire.OfRelay(r)))
}

// ReadVerified implements [payment.Relayer]. The answer doesn't name its invoice.
func (*Account) ReadVerified(r payment.RelayReply) payment.Answer {
	return checkAnswer(wire.OfRelay(r), "")
}

// WriteReply implements [payment.Relayer]. The script knows no "verified before": it
// repeats its first answer. Check is told no amount, so none differs.
func (*Account) WriteReply(word payment.RelayWord, _ payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	failed := func(status, code int, text string) payment.RelayReply {
		return wire.Say(status, map[string]any{"status": statusError, "errorCode": code, "errorDescription": text})
	}
	switch word {
	case payment.RelayFirst, payment.RelayAgain:
		m := map[string]any{"status": statusOK}
		if rec != nil && rec.Receipt != nil {
			m["amount"], m["bank_code"] = int64(max(rec.Receipt.Amount, rec.Receipt.Paid)), rec.Receipt.Reference
		}
		return wire.Say(http.StatusOK, m)
	case payment.RelayAwaiting, payment.RelayOtherAmount:
		return failed(http.StatusOK, 201, "not paid")
	case payment.RelayNoSuchCall:
		return failed(http.StatusNotImplemented, 100, "this address speaks the invoice script only")
	case payment.RelayForbidden:
		return failed(http.StatusForbidden, 101, "api_key is not valid")
	case payment.RelayUnreadable:
		return failed(http.StatusBadRequest, 100, "the call can't be read")
	case payment.RelayNoPayment:
		return failed(http.StatusOK, 200, "invoice_key is not valid")
	case payment.RelayDown:
	}
	return failed(http.StatusServiceUnavailable, 301, "please try again later")
}

// UnpaidParams implements [payment.Relayer]: no document says how a return tells.
func (*Account) UnpaidParams() map[string]string { return nil }
