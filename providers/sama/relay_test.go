package sama

import (
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

// Paths end with a slash in the document; amounts are texts in its sample.
func TestRelay(t *testing.T) {
	p := provider(t, "http://127.0.0.1:1", 0)
	key := `"merchant_id":"` + p.Key().Reveal() + `"`
	id := query.ID
	post := func(path, body string) payment.RelayCall {
		return payment.RelayCall{Path: "/api/pg/v2/payment/" + path, Type: "application/json", Body: []byte(body)}
	}
	verify := payment.RelayAsk{Kind: payment.RelayVerify, ID: id, Number: 12000000, Unit: payment.Rial}
	providertest.RunRelay(t, providertest.RelaySuite{
		New: func(t testing.TB, base string) payment.Relayer { return provider(t, base, 0) },
		Calls: []providertest.RelayExample{
			{Name: "create (inferred)", Call: post("request.json/", `{"amount":"12000000",`+key+`,"callback_url":"https://shop.example/r","currency":"IRR","metadata":{"order_id":"o-1"}}`), Owner: payment.RelayOwn,
				Ask: payment.RelayAsk{Kind: payment.RelayCreate, Order: "o-1", Number: 12000000, Unit: payment.Rial, Callback: "https://shop.example/r"}},
			{Name: "create, another currency", Call: post("request.json/", `{"amount":"5",`+key+`,"callback_url":"x","currency":"IRT"}`), Owner: payment.RelayOwn,
				Ask: payment.RelayAsk{Kind: payment.RelayCreate, Number: 5, Unread: true, Callback: "x"}},
			{Name: "verify", Call: post("verify.json/", `{"amount":"12000000",`+key+`,"authority":"`+id+`"}`), Ask: verify, Owner: payment.RelayOwn},
			{Name: "verify, no slash, a number", Call: post("verify.json", `{"amount":12000000,`+key+`,"authority":"`+id+`"}`), Ask: verify, Owner: payment.RelayOwn},
			{Name: "verify, a stranger", Call: post("verify.json/", `{"amount":"12000000","merchant_id":"other","authority":"`+id+`"}`), Ask: verify, Owner: payment.RelayStranger},
			{Name: "verify, no authority", Call: post("verify.json/", `{"amount":"12000000",`+key+`}`), Malformed: "authority"},
			{Name: "page (inferred)", Call: payment.RelayCall{Method: "GET", Path: "/pg/StartPay/" + id}, Ask: payment.RelayAsk{Kind: payment.RelayPayPage, ID: id}},
		},
		Record:  &payment.Record{ID: id, Order: "o-1", Receipt: &payment.Receipt{Reference: "123456", Card: "502229******5995", Fee: 900, FeePayer: "payer"}},
		Created: `{"data":{"code":100,"authority":"` + id + `"},"errors":[]}`,
		Again:   payment.OutcomeAgain,
		Silent:  []string{"paid_at"},
		Reads: map[payment.RelayWord]map[string]string{
			payment.RelayFirst: {"data.code": "100", "data.ref_id": "123456", "data.card_pan": "502229******5995", "data.fee_type": "buyer", "data.card_hash": "", "errors": "[]"},
			payment.RelayAgain: {"data.code": "101", "data.message": "Verified"}, payment.RelayOtherAmount: {"errors.code": "-9"}, payment.RelayForbidden: {"errors.code": "not_authenticated"},
		},
	})
	if p.UnpaidParams() != nil {
		t.Error("no document says how a return tells")
	}
}
