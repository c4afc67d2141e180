package sandbox

import (
	"strings"
	"testing"
)

// What the documents leave open, and clients in the wild read otherwise, is as
// README.md says that it was chosen.
func TestWhatIsUntoldIsAsTheReadmeSays(t *testing.T) {
	r := newRig(t, Options{})
	for _, kind := range []string{"", "text/plain"} {
		header := []string{"X-API-KEY", sampleKey, "X-SANDBOX", "1"}
		if kind != "" {
			header = append(header, "Content-Type", kind)
		}
		r.wantError(r.do("POST", "/idpay/v1.1/payment/verify", `{"id":"`+strings.Repeat("ab", 16)+`","order_id":"1"}`, header...), 406, "31")
		var of []string
		if kind != "" {
			of = []string{"Content-Type", kind}
		}
		if g := r.do("POST", "/invoice/invoice/request", `{"api_key":"k","amount":15000,"return_url":"http://shop.test/r"}`, of...); g.status != 200 || text(g.json(t)["errorCode"]) != "101" {
			t.Errorf("the invoice script, type %q: %d %s", kind, g.status, g.body)
		}
	}

	id, _ := r.idpayNew("1", "1000")
	for filter, found := range map[string]bool{
		`{}`: true, `{"amount":""}`: true, `{"status":[]}`: true, `{"order_id":""}`: true, `{"amount":1000}`: true,
		`{"amount":0}`: false, `{"amount":999}`: false, `{"payment_date":{"min":0,"max":0}}`: false,
	} {
		g := r.idpay("payment/transactions", filter)
		if found != (g.status == 200) || !found && g.status != 204 || found && !strings.Contains(g.body, id) {
			t.Errorf("a list by %s: %d %s", filter, g.status, g.body)
		}
	}

	inquiry := r.idpayAsk("inquiry", id, "1").json(t)
	for _, part := range []string{"payment", "verify"} {
		m, ok := inquiry[part].(map[string]any)
		if !ok || m["date"] != "" {
			t.Errorf("%s has not happened yet: %v", part, inquiry[part])
		}
	}
	if _, err := r.sb.Act(id, ActionPay); err != nil {
		t.Fatal(err)
	}
	inquiry = r.idpayAsk("inquiry", id, "1").json(t)
	if paid, ok := inquiry["payment"].(map[string]any); !ok || paid["date"] == "" {
		t.Errorf("it was paid: %v", inquiry["payment"])
	}
}
