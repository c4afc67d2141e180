package payping

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

// The calls of v3, names in any case, amounts in toman. A verify without the code (as
// one client sends it) names no payment.
func TestRelay(t *testing.T) {
	id := query.ID
	auth := map[string]string{"Authorization": "Bearer " + sampleToken}
	post := func(path, body string) payment.RelayCall {
		return payment.RelayCall{Path: path, Type: "application/json", Body: []byte(body), Header: auth}
	}
	create := payment.RelayAsk{Kind: payment.RelayCreate, Order: "7", Number: 5000, Unit: payment.Toman, Callback: "https://shop.example/r"}
	verify := payment.RelayAsk{Kind: payment.RelayVerify, ID: id, Number: 5000, Unit: payment.Toman, Proof: "77"}
	stranger := post("/v3/pay/verify", `{"paymentRefId":77,"paymentCode":"`+id+`","amount":5000}`)
	stranger.Header = map[string]string{"Authorization": "bearer other"}
	cancel := post("/v3/pay", `{"paymentCode":"`+id+`"}`)
	cancel.Method = "DELETE"
	providertest.RunRelay(t, providertest.RelaySuite{
		New: func(t testing.TB, base string) payment.Relayer { return provider(t, base, 0) },
		Calls: []providertest.RelayExample{
			{Name: "create", Call: post("/v3/pay", `{"amount":5000,"returnUrl":"https://shop.example/r","clientRefId":"7"}`), Ask: create, Owner: payment.RelayOwn},
			{Name: "create, another case", Call: post("/v3/pay/", `{"Amount":"5000","ReturnUrl":"https://shop.example/r","ClientRefId":7}`), Ask: create, Owner: payment.RelayOwn},
			{Name: "verify", Call: post("/v3/pay/verify", `{"paymentRefId":77,"paymentCode":"`+id+`","amount":5000}`), Ask: verify, Owner: payment.RelayOwn},
			{Name: "verify, a stranger", Call: stranger, Ask: verify, Owner: payment.RelayStranger},
			{Name: "verify, the bank's number alone", Call: post("/v3/pay/verify", `{"paymentRefId":77,"amount":5000}`), Malformed: "paymentCode"},
			{Name: "reverse", Call: post("/v3/pay/reverse", `{"paymentRefId":77,"paymentCode":"`+id+`"}`), Ask: payment.RelayAsk{Kind: payment.RelayGiveBack, ID: id, Unit: payment.Toman}, Owner: payment.RelayOwn},
			{Name: "cancel", Call: cancel, Ask: payment.RelayAsk{Kind: payment.RelayGiveBack, ID: id, Unit: payment.Toman}, Owner: payment.RelayOwn},
			{Name: "report", Call: payment.RelayCall{Method: "GET", Path: "/v1/report/" + id, Header: auth}, Ask: payment.RelayAsk{Kind: payment.RelayInquire, ID: id}, Owner: payment.RelayOwn},
			{Name: "page", Call: payment.RelayCall{Method: "GET", Path: "/v3/pay/start/" + id}, Ask: payment.RelayAsk{Kind: payment.RelayPayPage, ID: id}},
		},
		Record: &payment.Record{ID: id, Order: "7", Receipt: &payment.Receipt{
			ID: id, Order: "7", Amount: 50_000, Number: "771234", Reference: "771234", Card: "603799******7890", PaidAt: time.Date(2024, 8, 3, 10, 30, 0, 0, time.UTC),
		}},
		Created: `{"PaymentCode":"` + id + `","url":"https://api.payping.ir/v3/pay/start/` + id + `"}`,
		Again:   payment.OutcomeAgain,
		Reads: map[payment.RelayWord]map[string]string{
			payment.RelayFirst:    {"amount": "5000", "clientRefId": "7", "paymentRefId": "771234", "code": id, "payedDate": "2024-08-03 10:30:00Z", "cardHashPan": ""},
			payment.RelayAgain:    {"status": "409", "metaData.code": "110", "metaData.message.Amount": "5000", "metaData.message.PaymentRefId": "771234"},
			payment.RelayAwaiting: {"isPaid": "true", "paymentStatus": "5", "amount": "5000"}, payment.RelayOtherAmount: {"metaData.code": "137"},
		},
	})
	for name, value := range new(Provider).UnpaidParams() {
		if want := map[string]string{"status": "0", "Status": "0"}[name]; value != want {
			t.Errorf("%s = %q", name, value)
		}
	}
}
