package zibal

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// dialect is what of the document a relay serves: v1 and the older paths without it,
// on both hosts. A lazy payment is created at a path of its own; verify of those has
// none of v1.
var dialect = payment.Dialect{
	Hosts: []string{"gateway.zibal.ir", "gateway.zibal.io"},
	Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: "/v1/request", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/request", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/request/lazy", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/v1/verify", Kind: payment.RelayVerify},
		{Method: http.MethodPost, Path: "/verify", Kind: payment.RelayVerify},
		{Method: http.MethodPost, Path: "/v1/inquiry", Kind: payment.RelayInquire},
		{Method: http.MethodPost, Path: "/inquiry", Kind: payment.RelayInquire},
		{Method: http.MethodGet, Path: "/start/*", Kind: payment.RelayPayPage},
		{Method: http.MethodGet, Path: "/start/*/direct", Kind: payment.RelayPayPage},
	},
}

// Dialect implements [payment.Relayer].
func (*Provider) Dialect() payment.Dialect { return dialect }

// Owns implements [payment.Relayer]. The credential is `merchant` in the body, and
// the merchant "zibal" is the sandbox of everybody.
func (p *Provider) Owns(c payment.RelayCall) (payment.RelayOwner, error) {
	o, err := wire.CallFields(c)
	if err != nil {
		return payment.RelayStranger, err
	}
	owner, err := p.Belongs(o.Text("merchant"), "merchant")
	if err == nil && owner == payment.RelayStranger && o.Text("merchant") == sandboxMerchant {
		owner = payment.RelayOtherEnvironment
	}
	return owner, err
}

// ReadCall implements [payment.Relayer]. Amounts are rials.
func (p *Provider) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	c.Path = strings.TrimSuffix(c.Path, "/direct")
	return wire.ReadAsk(kind, c, paramTrackID, wire.Checked(checkTrackID), func(o wire.Object, a *payment.RelayAsk) {
		if kind != payment.RelayCreate {
			a.ID = payment.ASCIIDigits(o.Text(paramTrackID))
			return
		}
		a.Number, a.Unread = o.Number("amount")
		a.Unit, a.Order, a.Callback = payment.Rial, o.Text("orderId"), o.Text("callbackUrl")
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
// the word is a plain "not paid" all the same.
func (p *Provider) WriteReply(word payment.RelayWord, _ payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	switch word {
	case payment.RelayFirst:
		return said(http.StatusOK, resultOK, "success", stateSettled, rec)
	case payment.RelayAgain:
		return said(http.StatusOK, resultAgain, "already verified", stateSettled, rec)
	case payment.RelayAwaiting:
		return said(http.StatusOK, resultOK, "success", statePaid, rec)
	case payment.RelayOtherAmount:
		return said(http.StatusOK, 202, "the order is not paid or was not successful", 0, nil)
	case payment.RelayNoSuchCall:
		return said(http.StatusNotImplemented, 0, "this address speaks the payment gateway's v1 only", 0, nil)
	case payment.RelayForbidden:
		return said(http.StatusForbidden, 102, "merchant not found", 0, nil)
	case payment.RelayUnreadable:
		return said(http.StatusBadRequest, 0, "the call can't be read", 0, nil)
	case payment.RelayNoPayment:
		return said(http.StatusOK, 203, "trackId is not valid", 0, nil)
	case payment.RelayDown:
	}
	return wire.Say(http.StatusServiceUnavailable, map[string]any{"statusCode": 503, "message": "please try again later"})
}

// said returns an answer, with the members of a payment where it speaks of one.
func said(status, result int, message string, state int, rec *payment.Record) payment.RelayReply {
	m := map[string]any{"result": result, "message": message}
	if rec != nil && rec.Receipt != nil {
		rc := rec.Receipt
		m["status"], m["amount"], m["orderId"], m["description"], m["cardNumber"] = state, int64(cmp.Or(rc.Amount, rec.Price())), rec.Order, "", rc.Card
		m["refNumber"], m["paidAt"], m["multiplexingInfos"] = nil, nil, []any{}
		if rc.Reference != "" {
			m["refNumber"] = rc.Reference
		}
		if n, err := strconv.ParseInt(rc.Reference, 10, 64); err == nil && strconv.FormatInt(n, 10) == rc.Reference {
			m["refNumber"] = n
		}
		if !rc.PaidAt.IsZero() {
			m["paidAt"] = localTime(rc.PaidAt)
		}
	}
	return wire.Say(status, m)
}

// localTime returns a time as Zibal writes it: microseconds, and no zone.
func localTime(t time.Time) string { return t.In(wire.Tehran).Format("2006-01-02T15:04:05.000000") }

// UnpaidParams implements [payment.Relayer]: cancelled.
func (*Provider) UnpaidParams() map[string]string {
	return map[string]string{paramSuccess: "0", paramStatus: "3", paramCard: "", paramHash: ""}
}
