package idpay

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

// The key is a header, and another tells the environment: 1, true and True are seen.
func TestRelay(t *testing.T) {
	p := provider(t, "http://127.0.0.1:1", 0, false)
	key := p.Key().Reveal()
	call := func(path, body, apiKey, sandbox string) payment.RelayCall {
		h := map[string]string{"X-Api-Key": apiKey}
		if sandbox != "" {
			h["X-Sandbox"] = sandbox
		}
		return payment.RelayCall{Path: path, Type: "application/json", Body: []byte(body), Header: h}
	}
	id := "d2e353189823079e1e4181772cff5292"
	verify := payment.RelayAsk{Kind: payment.RelayVerify, ID: id, Order: "101"}
	pair := `{"id":"` + id + `","order_id":"101"}`
	providertest.RunRelay(t, providertest.RelaySuite{
		New: func(t testing.TB, base string) payment.Relayer { return provider(t, base, 0, false) },
		Calls: []providertest.RelayExample{
			{Name: "create, the order a number", Call: call("/v1.1/payment", `{"order_id":101,"amount":10000,"name":null,"callback":"https://example.com/callback"}`, key, ""), Owner: payment.RelayOwn,
				Ask: payment.RelayAsk{Kind: payment.RelayCreate, Order: "101", Number: 10000, Unit: payment.Rial, Callback: "https://example.com/callback"}},
			{Name: "verify", Call: call("/v1.1/payment/verify", pair, key, "0"), Ask: verify, Owner: payment.RelayOwn},
			{Name: "verify, false", Call: call("/v1.1/payment/verify/", pair, key, "false"), Ask: verify, Owner: payment.RelayOwn},
			{Name: "verify, the sandbox", Call: call("/v1.1/payment/verify", pair, key, "1"), Ask: verify, Owner: payment.RelayOtherEnvironment},
			{Name: "verify, the sandbox in Python", Call: call("/v1.1/payment/verify", pair, key, "True"), Ask: verify, Owner: payment.RelayOtherEnvironment},
			{Name: "verify, a stranger", Call: call("/v1.1/payment/verify", pair, "other", ""), Ask: verify, Owner: payment.RelayStranger},
			{Name: "verify, no id", Call: call("/v1.1/payment/verify", `{"order_id":"101"}`, key, ""), Malformed: "id"},
			{Name: "inquiry", Call: call("/v1.1/payment/inquiry", pair, key, ""), Ask: payment.RelayAsk{Kind: payment.RelayInquire, ID: id, Order: "101"}, Owner: payment.RelayOwn},
			{Name: "list", Call: call("/v1.1/payment/transactions", `{}`, key, ""), Ask: payment.RelayAsk{Kind: payment.RelayHarmless}, Owner: payment.RelayOwn},
			{Name: "page", Call: payment.RelayCall{Method: "GET", Path: "/p/ws-sandbox/" + id}, Ask: payment.RelayAsk{Kind: payment.RelayPayPage, ID: id}},
		},
		Record: &payment.Record{ID: id, Order: "101", Receipt: &payment.Receipt{
			ID: id, Order: "101", Amount: 10000, Number: "10012", Reference: "888001", Card: "123456******1234",
			PaidAt: time.Unix(1546288200, 0), VerifiedAt: time.Unix(1546288500, 0),
		}},
		Created: `{"id":"` + id + `","link":"https://idpay.ir/p/ws-sandbox/` + id + `"}`,
		Again:   payment.OutcomeAgain,
		Reads: map[payment.RelayWord]map[string]string{
			// IDPay's own plugins ask status 100, amount, order_id and track_id.
			payment.RelayFirst: {"status": "100", "amount": "10000", "order_id": "101", "track_id": "10012", "payment.track_id": "888001", "payment.hashed_card_no": "", "verify.date": "1546288500"},
			payment.RelayAgain: {"status": "101", "id": id}, payment.RelayAwaiting: {"status": "10", "verify.date": ""},
			payment.RelayOtherAmount: {"error_code": "53"}, payment.RelayForbidden: {"error_code": "12"},
		},
	})
	if _, err := p.Owns(call("/v1.1/payment", "{}", key, "maybe")); err == nil {
		t.Error("an odd X-SANDBOX is taken")
	}
	boxed := provider(t, "http://127.0.0.1:1", 0, true)
	if owner, err := boxed.Owns(call("/v1.1/payment", "{}", key, "true")); err != nil || owner != payment.RelayOwn {
		t.Errorf("%v %v", owner, err)
	}
	if got := p.UnpaidParams(); got["status"] != "2" || got["amount"] != "" {
		t.Errorf("%v", got)
	}
}
