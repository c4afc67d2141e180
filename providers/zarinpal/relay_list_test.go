package zarinpal

import (
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// What the shop hasn't heard of is in the list of unverified payments again, in the unit
// of its create, once; whatever isn't that list passes as it came.
func TestRelayList(t *testing.T) {
	p := provider(t, "", time.Second)
	call := relayCall(pathUnverified+"/", `{"merchant_id":"m"}`)
	if !p.Lists(call) || p.Lists(relayCall(pathInquiry, "{}")) {
		t.Error("which call is the list")
	}
	other := strings.Replace(sampleID, "A", "S", 1)
	unheard := []*payment.Record{
		{ID: sampleID, Relay: &payment.Relayed{Number: 1200, Unit: payment.Toman, Callback: "https://shop.test/cb?o=1"}},
		{ID: other, Expect: payment.Expectation{Amount: 50000}, Relay: new(payment.Relayed)},
		{ID: "no authority", Relay: new(payment.Relayed)},
	}
	row := `{"authority":"` + other + `","amount":77,"callback_url":"x","referer":"","date":"d"}`
	got := p.Mask(wire.SayJSON(200, `{"data":{"code":"100","message":"Success","authorities":[`+row+`]},"errors":[]}`), unheard)
	body := string(got.Body)
	if strings.Count(body, sampleID) != 1 || strings.Count(body, other) != 1 || !strings.Contains(body, `"amount":1200,"callback_url":"https://shop.test/cb?o=1"`) || !strings.Contains(body, row) || !strings.Contains(body, `"code":"100"`) {
		t.Error(body)
	}
	if got = p.Mask(wire.SayJSON(200, `{"data":{"code":100,"message":"Success","authorities":[]},"errors":[]}`), unheard[1:]); !strings.Contains(string(got.Body), `"amount":50000`) {
		t.Error(string(got.Body))
	}
	for _, as := range []string{`{"data":[],"errors":{"code":-10,"message":"no"}}`, `<html>`, `{"data":{"code":100,"authorities":"none"}}`, ``} {
		if got := p.Mask(wire.SayJSON(200, as), unheard); string(got.Body) != as {
			t.Errorf("%q became %q", as, got.Body)
		}
	}
	if got := p.UnpaidParams(); len(got) != 1 || got["Status"] != "NOK" {
		t.Error(got)
	}
}
