package zibal

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

// The calls are the document's and those of plugins: with v1 and without, as JSON or as
// a form, the id as a number or as a text, lazy.
func TestRelay(t *testing.T) {
	const key = `"merchant":"` + sampleKey + `"`
	create := payment.RelayAsk{Kind: payment.RelayCreate, Order: "2211", Number: 1600, Unit: payment.Rial, Callback: "https://shop.example/r?a=1"}
	post := func(path, body string) payment.RelayCall {
		return payment.RelayCall{Path: path, Type: "application/json", Body: []byte(body)}
	}
	providertest.RunRelay(t, providertest.RelaySuite{
		New: func(t testing.TB, base string) payment.Relayer { return provider(t, base, 0) },
		Calls: []providertest.RelayExample{
			{Name: "create", Call: post("/v1/request", `{`+key+`,"amount":1600,"callbackUrl":"https://shop.example/r?a=1","orderId":"2211"}`), Ask: create, Owner: payment.RelayOwn},
			{Name: "create, the amount a text", Call: post("/request/", `{`+key+`,"amount":"1600","callbackUrl":"https://shop.example/r?a=1","orderId":2211}`), Ask: create, Owner: payment.RelayOwn},
			{Name: "create, lazy, a form", Call: payment.RelayCall{Path: "/request/lazy", Type: "application/x-www-form-urlencoded", Body: []byte("merchant=" + sampleKey + "&amount=1600&callbackUrl=https%3A%2F%2Fshop.example%2Fr%3Fa%3D1&orderId=2211")}, Ask: create, Owner: payment.RelayOwn},
			{Name: "create, an odd amount", Call: post("/v1/request", `{`+key+`,"amount":"1,600","callbackUrl":"x"}`), Ask: payment.RelayAsk{Kind: payment.RelayCreate, Unit: payment.Rial, Unread: true, Callback: "x"}, Owner: payment.RelayOwn},
			{Name: "verify", Call: post("/v1/verify", `{`+key+`,"trackId":`+sampleID+`}`), Ask: payment.RelayAsk{Kind: payment.RelayVerify, ID: sampleID}, Owner: payment.RelayOwn},
			{Name: "verify, lazy, a text", Call: post("/verify", `{`+key+`,"trackId":"`+sampleID+`"}`), Ask: payment.RelayAsk{Kind: payment.RelayVerify, ID: sampleID}, Owner: payment.RelayOwn},
			{Name: "verify, a stranger", Call: post("/v1/verify", `{"merchant":"other","trackId":`+sampleID+`}`), Ask: payment.RelayAsk{Kind: payment.RelayVerify, ID: sampleID}, Owner: payment.RelayStranger},
			{Name: "verify, the sandbox", Call: post("/v1/verify", `{"merchant":"zibal","trackId":`+sampleID+`}`), Ask: payment.RelayAsk{Kind: payment.RelayVerify, ID: sampleID}, Owner: payment.RelayOtherEnvironment},
			{Name: "verify, no id", Call: post("/v1/verify", `{`+key+`}`), Malformed: "trackId"},
			{Name: "inquiry", Call: post("/inquiry", `{`+key+`,"trackId":`+sampleID+`}`), Ask: payment.RelayAsk{Kind: payment.RelayInquire, ID: sampleID}, Owner: payment.RelayOwn},
			{Name: "page", Call: payment.RelayCall{Method: "GET", Path: "/start/" + sampleID}, Ask: payment.RelayAsk{Kind: payment.RelayPayPage, ID: sampleID}},
			{Name: "direct page", Call: payment.RelayCall{Method: "GET", Path: "/start/" + sampleID + "/direct"}, Ask: payment.RelayAsk{Kind: payment.RelayPayPage, ID: sampleID}},
		},
		Record: &payment.Record{ID: sampleID, Order: "2211", Receipt: &payment.Receipt{
			Amount: 1600, Reference: "12345678901", Card: "627412******4422", PaidAt: time.Date(2018, 3, 25, 20, 13, 1, 0, time.UTC),
		}},
		Created: `{"trackId":` + sampleID + `,"result":100,"message":"success"}`,
		Again:   payment.OutcomeAgain,
		Reads: map[payment.RelayWord]map[string]string{
			// Zibal's own plugin takes result 100 for paid and holds an order at 201.
			payment.RelayFirst: {"result": "100", "status": "1", "amount": "1600", "refNumber": "12345678901", "orderId": "2211", "paidAt": "2018-03-25T23:43:01.000000"},
			payment.RelayAgain: {"result": "201"}, payment.RelayAwaiting: {"result": "100", "status": "2"},
			payment.RelayOtherAmount: {"result": "202"}, payment.RelayForbidden: {"result": "102"},
		},
	})
}

// A declined pass says what the document has for "cancelled by the user", and no card.
func TestUnpaidParams(t *testing.T) {
	got := new(Provider).UnpaidParams()
	read, err := new(Provider).ReadReturn(func(name string) string {
		if name == paramTrackID {
			return "15966442233311"
		}
		return got[name]
	})
	if err != nil || read.Hint != payment.HintUnpaid || !read.Cancelled || got[paramCard] != "" || len(got) != 4 {
		t.Errorf("%v: %+v, %v", got, read, err)
	}
}
