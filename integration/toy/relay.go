package toy

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// dialect is what of the document a relay serves. Plugins confirm and settle in one
// call, /capture.
var dialect = payment.Dialect{
	Hosts: []string{"api.toy.example", "pay.toy.example"},
	Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: "/start", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/capture", Kind: payment.RelayVerify},
		{Method: http.MethodPost, Path: "/look", Kind: payment.RelayInquire},
		{Method: http.MethodPost, Path: "/waiting", Kind: payment.RelayHarmless},
		{Method: http.MethodPost, Path: "/refund", Kind: payment.RelayGiveBack},
		{Method: http.MethodPost, Path: "/reverse", Kind: payment.RelayGiveBack},
		{Method: http.MethodGet, Path: "/pay/*", Kind: payment.RelayPayPage},
	},
}

// Dialect implements [payment.Relayer].
func (*Provider) Dialect() payment.Dialect { return dialect }

// ReadCall implements [payment.Relayer]. Amounts are toman.
func (*Provider) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	a := payment.RelayAsk{Kind: kind}
	if kind == payment.RelayHarmless {
		return a, nil
	}
	a.ID = wire.LastSegment(c.Path)
	if kind != payment.RelayPayPage {
		o, err := wire.CallFields(c)
		if err != nil {
			return a, err
		}
		if a.ID = o.Text(paramRef); kind == payment.RelayCreate {
			a.Number, a.Unread = o.Number("amount")
			a.ID, a.Unit, a.Order, a.Callback = "", payment.Toman, o.Text(paramNumber), o.Text("callback")
			return a, nil
		}
		if receipt := o.Text(paramReceipt); kind == payment.RelayVerify && wire.CheckID(receipt, 4, 32, "") {
			a.Proof = ":" + receipt // what the shop created has a number of the shop's
		}
	}
	if !checkRef(a.ID) {
		return a, wire.Malformed(paramRef)
	}
	return a, nil
}

// ReadCreated implements [payment.Relayer].
func (*Provider) ReadCreated(r payment.RelayReply) (id string, ok bool) {
	id, err := started(wire.OfRelay(r))
	return id, err == nil
}

// ReadVerified implements [payment.Relayer]. The answer doesn't repeat the receipt number.
func (*Provider) ReadVerified(r payment.RelayReply) payment.Answer { return read(wire.OfRelay(r), "") }

// ReadGivenBack implements [payment.Relayer].
func (*Provider) ReadGivenBack(r payment.RelayReply) payment.Outcome {
	return wire.BackOf(gaveBack(wire.OfRelay(r)))
}

// WriteReply implements [payment.Relayer]. The toy answers a repeated capture like the
// first.
func (*Provider) WriteReply(word payment.RelayWord, _ payment.RelayAsk, rec *payment.Record) payment.RelayReply {
	status, code := http.StatusOK, codeNotPaid
	switch word {
	case payment.RelayFirst, payment.RelayAgain:
		code = codeOK
	case payment.RelayAwaiting:
		code = codeWaiting
	case payment.RelayOtherAmount:
	case payment.RelayDown:
		status = http.StatusServiceUnavailable
	case payment.RelayNoSuchCall:
		status = http.StatusNotImplemented
	case payment.RelayUnreadable:
		status = http.StatusBadRequest
	case payment.RelayNoPayment:
	case payment.RelayForbidden:
		status, code = http.StatusForbidden, codeTerminal
	}
	m := map[string]any{"code": code}
	if rec != nil && rec.Receipt != nil && (code == codeOK || code == codeWaiting) {
		m["ref"], m["card"] = rec.ID, rec.Receipt.Card
		m["amount"], _ = payment.Toman.Of(rec.Receipt.Amount)
	}
	return wire.Say(status, m)
}

// UnpaidParams implements [payment.Relayer].
func (*Provider) UnpaidParams() map[string]string {
	return map[string]string{paramStatus: "1", paramReceipt: ""}
}

// Lists implements [payment.Masker].
func (*Provider) Lists(c payment.RelayCall) bool {
	return strings.TrimSuffix(c.Path, "/") == "/waiting"
}

// Mask implements [payment.Masker]: the payments are rows of the list of what waits.
func (*Provider) Mask(r payment.RelayReply, unheard []*payment.Record) payment.RelayReply {
	type row struct {
		Ref    string `json:"ref"`
		Amount int64  `json:"amount"`
	}
	var list struct {
		Code     int   `json:"code"`
		Payments []row `json:"payments"`
	}
	if r.Status != http.StatusOK || json.Unmarshal(r.Body, &list) != nil || list.Code != codeOK {
		return r
	}
	there := make(map[string]bool)
	for _, p := range list.Payments {
		there[p.Ref] = true
	}
	for _, rec := range unheard {
		if toman, whole := payment.Toman.Of(rec.Price()); whole && !there[rec.ID] {
			list.Payments = append(list.Payments, row{rec.ID, toman})
		}
	}
	return wire.Say(r.Status, list)
}

// PageOf implements [payment.PayPager].
func (p *Provider) PageOf(id string) string { return p.page.URL("/pay/", id) }

// Interface guards
var (
	_ payment.Relayer  = (*Provider)(nil)
	_ payment.PayPager = (*Provider)(nil)
	_ payment.Masker   = (*Provider)(nil)
)
