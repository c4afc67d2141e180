package nextpay

import (
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

// A refund has verify's address: the body tells. Amounts are toman where the call says
// no unit, and an answer is in the unit of its call.
func TestRelay(t *testing.T) {
	id := query.ID
	key := "api_key=" + sampleKey
	post := func(path, body string) payment.RelayCall {
		return payment.RelayCall{Path: path, Type: "application/x-www-form-urlencoded", Body: []byte(body)}
	}
	verify := payment.RelayAsk{Kind: payment.RelayVerify, ID: id, Number: 7400, Unit: payment.Toman}
	back := verify
	back.Kind = payment.RelayGiveBack
	providertest.RunRelay(t, providertest.RelaySuite{
		New: func(t testing.TB, base string) payment.Relayer { return provider(t, base, 0) },
		Calls: []providertest.RelayExample{
			{Name: "create, toman by default", Call: post("/nx/gateway/token", key+"&order_id=85NX&amount=7400&callback_uri=https%3A%2F%2Fshop.example%2Fr"), Owner: payment.RelayOwn,
				Ask: payment.RelayAsk{Kind: payment.RelayCreate, Order: "85NX", Number: 7400, Unit: payment.Toman, Callback: "https://shop.example/r"}},
			{Name: "create in rials, JSON", Call: payment.RelayCall{Path: "/nx/gateway/token", Body: []byte(`{"api_key":"` + sampleKey + `","order_id":"85NX","amount":74000,"callback_uri":"https://shop.example/r","currency":"IRR"}`)}, Owner: payment.RelayOwn,
				Ask: payment.RelayAsk{Kind: payment.RelayCreate, Order: "85NX", Number: 74000, Unit: payment.Rial, Callback: "https://shop.example/r"}},
			{Name: "create, an unknown unit", Call: post("/nx/gateway/token", key+"&amount=5&currency=USD&callback_uri=x"), Owner: payment.RelayOwn,
				Ask: payment.RelayAsk{Kind: payment.RelayCreate, Number: 5, Unread: true, Callback: "x"}},
			{Name: "verify", Call: post("/nx/gateway/verify", key+"&trans_id="+id+"&amount=7400"), Ask: verify, Owner: payment.RelayOwn},
			{Name: "verify, a stranger", Call: post("/nx/gateway/verify/", "api_key=other&trans_id="+id+"&amount=7400"), Ask: verify, Owner: payment.RelayStranger},
			{Name: "refund", Call: post("/nx/gateway/verify", key+"&trans_id="+id+"&amount=7400&refund_request=yes_money_back"), Ask: back, Owner: payment.RelayOwn},
			{Name: "verify, no id", Call: post("/nx/gateway/verify", key+"&amount=7400"), Malformed: "trans_id"},
			{Name: "page", Call: payment.RelayCall{Method: "GET", Path: "/nx/gateway/payment/" + id}, Ask: payment.RelayAsk{Kind: payment.RelayPayPage, ID: id}},
		},
		Record:  &payment.Record{ID: id, Order: "85NX", Receipt: &payment.Receipt{Amount: 74_000, Reference: "8811", Card: "502229******5020"}},
		Created: `{"code":-1,"trans_id":"` + id + `"}`,
		Again:   payment.OutcomeAgain,
		Silent:  []string{"paid_at"},
		Reads: map[payment.RelayWord]map[string]string{
			payment.RelayFirst: {"code": "0", "amount": "7400", "order_id": "85NX", "Shaparak_Ref_Id": "8811"}, payment.RelayAgain: {"code": "-49"},
			payment.RelayOtherAmount: {"code": "-24"}, payment.RelayForbidden: {"code": "-33"}, payment.RelayNoSuchCall: {"code": "-46"},
		},
	})
	p := provider(t, "http://127.0.0.1:1", 0)
	rials := p.WriteReply(payment.RelayFirst, payment.RelayAsk{Unit: payment.Rial}, &payment.Record{ID: id, Receipt: &payment.Receipt{Amount: 74_000}})
	if o := string(rials.Body); o == "" || !strings.Contains(o, `"amount":74000`) {
		t.Errorf("in rials: %s", o)
	}
	p.Already = alreadyNone
	if a := p.ReadVerified(p.WriteReply(payment.RelayAgain, payment.RelayAsk{}, &payment.Record{ID: id, Receipt: &payment.Receipt{Amount: 74_000}})); a.Outcome != payment.OutcomePaid {
		t.Errorf("where no answer means \"before\": %+v", a)
	}
	if p.UnpaidParams() != nil {
		t.Error("no document says how a return tells")
	}
}
