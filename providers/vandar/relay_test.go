package vandar

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

// v3 has the bodies of v4. Who bears the fee changes what "first" says of amounts.
func TestRelay(t *testing.T) {
	const key = `"api_key":"` + sampleKey + `"`
	post := func(path, body string) payment.RelayCall {
		return payment.RelayCall{Path: path, Type: "application/json", Body: []byte(body)}
	}
	verify := payment.RelayAsk{Kind: payment.RelayVerify, ID: sampleToken}
	create := payment.RelayAsk{Kind: payment.RelayCreate, Order: "12345", Number: 1000, Unit: payment.Rial, Callback: "https://shop.example/r"}
	paid := time.Date(2020, 6, 10, 11, 6, 30, 0, time.UTC)
	for name, c := range map[string]struct {
		change  func(*Provider)
		receipt payment.Receipt
		first   map[string]string
	}{
		"the merchant bears the fee": {func(*Provider) {}, payment.Receipt{Amount: 1000, Fee: 50, FeePayer: "merchant", Number: "159178352177", Reference: "159178352177", Card: "603799******7999", PaidAt: paid},
			map[string]string{"status": "1", "amount": "1000.00", "realAmount": "950", "wage": "50", "transId": "159178352177", "factorNumber": "12345", "paymentDate": "2020-06-10 14:36:30", "message": "ok"}},
		"the payer does": {payerPays, payment.Receipt{Amount: 1000, Paid: 1050, Fee: 50, FeePayer: "payer", Number: "159178352177", Reference: "159178352177", Card: "603799******7999", PaidAt: paid},
			map[string]string{"status": "1", "amount": "1050.00", "realAmount": "1000", "wage": "50"}},
	} {
		t.Run(name, func(t *testing.T) {
			providertest.RunRelay(t, providertest.RelaySuite{
				New: func(t testing.TB, base string) payment.Relayer { return provider(t, base, 0, c.change) },
				Calls: []providertest.RelayExample{
					{Name: "send", Call: post("/api/v4/send", `{`+key+`,"amount":1000,"callback_url":"https://shop.example/r","factorNumber":"12345"}`), Ask: create, Owner: payment.RelayOwn},
					{Name: "send, v3, a form", Call: payment.RelayCall{Path: "/api/v3/send", Type: "application/x-www-form-urlencoded", Body: []byte("api_key=" + sampleKey + "&amount=1000&callback_url=https://shop.example/r&factorNumber=12345")}, Ask: create, Owner: payment.RelayOwn},
					{Name: "verify", Call: post("/api/v4/verify", `{`+key+`,"token":"`+sampleToken+`"}`), Ask: verify, Owner: payment.RelayOwn},
					{Name: "verify, v3", Call: post("/api/v3/verify/", `{`+key+`,"token":"`+sampleToken+`"}`), Ask: verify, Owner: payment.RelayOwn},
					{Name: "verify, a stranger", Call: post("/api/v4/verify", `{"api_key":"other","token":"`+sampleToken+`"}`), Ask: verify, Owner: payment.RelayStranger},
					{Name: "verify, no token", Call: post("/api/v4/verify", `{`+key+`}`), Malformed: "token"},
					{Name: "transaction", Call: post("/api/v4/transaction", `{`+key+`,"token":"`+sampleToken+`"}`), Ask: payment.RelayAsk{Kind: payment.RelayInquire, ID: sampleToken}, Owner: payment.RelayOwn},
					{Name: "page", Call: payment.RelayCall{Method: "GET", Path: "/v4/" + sampleToken}, Ask: payment.RelayAsk{Kind: payment.RelayPayPage, ID: sampleToken}},
				},
				Record:  &payment.Record{ID: sampleToken, Order: "12345", Receipt: &c.receipt},
				Created: `{"status":1,"token":"` + sampleToken + `"}`,
				Again:   payment.OutcomeAgain,
				Reads: map[payment.RelayWord]map[string]string{
					payment.RelayFirst: c.first, payment.RelayAgain: {"status": "2"}, payment.RelayAwaiting: {"status": "1", "code": "1"},
					payment.RelayOtherAmount: {"status": "0"}, payment.RelayForbidden: {"status": "0"},
				},
			})
		})
	}
	if got := new(Provider).UnpaidParams(); len(got) != 1 || got["payment_status"] != "FAILED" {
		t.Errorf("%v", got)
	}
}
