package invoice

import (
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

// The key of the invoice is in the path, with a slash behind it or not; return_url is
// encoded once or twice.
func TestRelay(t *testing.T) {
	t.Setenv("TEST_RELAY_PAL24", "pal24-relay-canary")
	const key = "api_key=pal24-relay-canary"
	form := func(path, body string) payment.RelayCall {
		return payment.RelayCall{Path: path, Type: "application/x-www-form-urlencoded", Body: []byte(body)}
	}
	create := payment.RelayAsk{Kind: payment.RelayCreate, Number: 15000, Unit: payment.Rial, Callback: "https://shop.example/r?a=1"}
	verify := payment.RelayAsk{Kind: payment.RelayVerify, ID: "K1-abc"}
	providertest.RunRelay(t, providertest.RelaySuite{
		New: func(t testing.TB, _ string) payment.Relayer {
			p := &Pal24{Account: Account{APIKey: "{env.TEST_RELAY_PAL24}"}}
			if err := providertest.Provision(t, p); err != nil {
				t.Fatal(err)
			}
			return p
		},
		Calls: []providertest.RelayExample{
			{Name: "create", Call: form("/invoice/request", key+"&amount=15000&return_url=https%3A%2F%2Fshop.example%2Fr%3Fa%3D1"), Ask: create, Owner: payment.RelayOwn},
			{Name: "create, encoded twice", Call: form("/invoice/request/", key+"&amount=15000&return_url=https%253A%252F%252Fshop.example%252Fr%253Fa%253D1"), Ask: create, Owner: payment.RelayOwn},
			{Name: "create, JSON", Call: payment.RelayCall{Path: "/invoice/request", Type: "application/json", Body: []byte(`{"api_key":"pal24-relay-canary","amount":15000,"return_url":"https://shop.example/r?a=1"}`)}, Ask: create, Owner: payment.RelayOwn},
			{Name: "check", Call: form("/invoice/check/K1-abc", key), Ask: verify, Owner: payment.RelayOwn},
			{Name: "check, a slash", Call: form("/invoice/check/K1-abc/", key), Ask: verify, Owner: payment.RelayOwn},
			{Name: "check, a stranger", Call: form("/invoice/check/K1-abc", "api_key=other"), Ask: verify, Owner: payment.RelayStranger},
			{Name: "check, an odd key", Call: form("/invoice/check/a%2Fb", key), Malformed: "invoice_key"},
			{Name: "page", Call: payment.RelayCall{Method: "GET", Path: "/invoice/pay/K1-abc"}, Ask: payment.RelayAsk{Kind: payment.RelayPayPage, ID: "K1-abc"}},
		},
		Record:  &payment.Record{ID: "K1-abc", Order: "7", Receipt: &payment.Receipt{Amount: 15000, Reference: "998877"}},
		Created: `{"status":1,"invoice_key":"K1-abc"}`,
		Again:   payment.OutcomePaid, // the script can't tell
		Silent:  []string{"paid_at"},
		Reads: map[payment.RelayWord]map[string]string{
			payment.RelayFirst: {"status": "1", "amount": "15000", "bank_code": "998877"}, payment.RelayAgain: {"status": "1", "amount": "15000"},
			payment.RelayOtherAmount: {"status": "0", "errorCode": "201"}, payment.RelayDown: {"status": "0", "errorCode": "301"}, payment.RelayForbidden: {"errorCode": "101"},
		},
	})
	if len(new(Provider).Dialect().Hosts) != 0 || new(Poolam).Dialect().Hosts[0] != "poolam.ir" || new(Pal24).Dialect().Hosts[0] != "24pal.ir" {
		t.Error("hosts")
	}
	if new(Pal24).UnpaidParams() != nil {
		t.Error("no document says how a return tells")
	}
}
