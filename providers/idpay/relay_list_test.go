package idpay

import (
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// What the shop hasn't heard of waits to be verified in the list of transactions, too.
func TestRelayList(t *testing.T) {
	p := new(Provider)
	if !p.Lists(payment.RelayCall{Method: "POST", Path: "/v1.1/payment/transactions"}) || p.Lists(payment.RelayCall{Method: "POST", Path: "/v1.1/payment/verify"}) {
		t.Error("which call is the list")
	}
	unheard := []*payment.Record{{ID: "d2e353189823079e1e4181772cff5292"}}
	const other = `{"id":"another","status":"100","verify":{"date":"1"}}`
	for status, want := range map[string]string{`100`: `"status":10`, `"100"`: `"status":"10"`} {
		body := string(p.Mask(wire.SayJSON(200, `{"attachment":{"total_count":2},"records":[{"id":"d2e353189823079e1e4181772cff5292","status":`+status+`,"verify":{"date":"1"}},`+other+`]}`), unheard).Body)
		if !strings.Contains(body, want) || !strings.Contains(body, other) || !strings.Contains(body, `"verify":{"date":null}`) || !strings.Contains(body, `"total_count":2`) {
			t.Error(body)
		}
	}
	for _, as := range []string{`{"records":[` + other + `]}`, `{"error_code":12}`, `<html>`} {
		if got := p.Mask(wire.SayJSON(200, as), unheard); string(got.Body) != as {
			t.Errorf("%q became %q", as, got.Body)
		}
	}
}
