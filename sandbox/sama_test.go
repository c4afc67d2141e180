package sandbox

import (
	"strings"
	"testing"
)

func (r *rig) samaNew(amount string) (authority string) {
	r.Helper()
	g := r.sama("request", `{"amount":"`+amount+`","merchant_id":"`+sampleMerchant+`","description":"x",
		"callback_url":"http://shop.test/back","currency":"IRR","metadata":{"order_id":"o-1"}}`)
	if g.status != 200 {
		r.Fatalf("create: %d %s", g.status, g.body)
	}
	data := g.json(r.T)["data"].(map[string]any)
	return data["authority"].(string)
}

// The provider's own samples, byte for byte.
func TestSamaSamples(t *testing.T) {
	r := newRig(t, Options{})
	fee := int64(150000)
	if err := r.sb.SetSettings("sama", Settings{Fee: &fee, FeeType: "buyer", BankReference: "1361082284"}); err != nil {
		t.Fatal(err)
	}
	r.samaNew("12000000")
	p := r.sb.st.listed[0]
	delete(r.sb.st.payments, "sama/"+p.id)
	p.id, p.card = "94b56de0-164d-4e8d-bfe9-21ec59247bcd", "502229******5995"
	p.hashedCard = "1EBE3EBEBE35C7EC0F8D6EE4F2F859107A87822CA179BC9528767EA7B5489B69"
	r.sb.st.payments["sama/"+p.id] = p

	ask := fixture(t, "sama_verify_request")
	r.want(r.sama("verify", ask), 400, fixture(t, "sama_40131"))
	if _, err := r.sb.Act(p.id, ActionPay); err != nil {
		t.Fatal(err)
	}
	again := fixture(t, "sama_verify_101")
	first := strings.Replace(strings.Replace(again, "101", "100", 1), "Verified", "Paid", 1)
	r.want(r.sama("verify", ask), 200, first)
	r.want(r.sama("verify", ask), 200, again)
	r.want(r.sama("verify", strings.ReplaceAll(ask, `"12000000"`, `12000000`)), 200, again)

	for _, c := range []struct{ old, new, file string }{
		{sampleMerchant, "", "sama_not_authenticated"},
		{sampleMerchant, "wrong-merchant", "sama_not_authenticated"},
		{p.id, "not-a-uuid", "sama_bad_authority"},
		{p.id, randomUUID(), "sama_40131"},
		{sampleMerchant, "another.merchant", "sama_40131"},
		{"12000000", "50000001", "sama_amount_high"},
		{"12000000", "9999", "sama_amount_low"},
	} {
		status := 400
		if c.file == "sama_not_authenticated" {
			status = 401
		}
		r.want(r.sama("verify", strings.Replace(ask, c.old, c.new, 1)), status, fixture(t, c.file))
	}
	g := r.sama("verify", strings.Replace(ask, "12000000", "12000001", 1))
	if g.status != 400 || !strings.Contains(g.body, `"-9"`) || !strings.Contains(g.body, `[{"amount":`) {
		t.Errorf("other amount: %d %s", g.status, g.body)
	}
	if p := r.payment(p.id); p.Settled != 12000000 || p.Verify.First != 1 || p.Verify.Again != 2 {
		t.Errorf("ledger: %+v", p)
	}
}

func TestSamaCreate(t *testing.T) {
	r := newRig(t, Options{})
	authority := r.samaNew("10000")
	if !isUUID(authority) || authority[14] != '4' {
		t.Errorf("authority %s is no uuid4", authority)
	}
	ask := `{"amount":10000,"merchant_id":"m","callback_url":"http://shop.test/"}`
	if g := r.sama("request", ask); !strings.HasPrefix(g.body, `{"data":{"code":100,"message":"Success","authority":"`) ||
		!strings.HasSuffix(g.body, `"},"errors":[]}`) {
		t.Errorf("create: %s", g.body)
	}
	if g := r.control("POST", "settings", `{"sama":{"create_status":201,"payment_url":true}}`); g.status != 200 {
		t.Fatal(g.body)
	}
	g := r.sama("request", ask)
	data := g.json(t)["data"].(map[string]any)
	link, _ := data["payment_url"].(string)
	if g.status != 201 || link != r.srv.URL+"/sama/pg/StartPay/"+data["authority"].(string) {
		t.Errorf("create: %d %s", g.status, g.body)
	}
	if g := r.do("GET", link, ""); g.status != 200 {
		t.Errorf("pay page: %d", g.status)
	}
	g = r.sama("request", `{"amount":1,"merchant_id":"m","currency":"IRT"}`)
	if g.status != 400 || strings.Count(g.body, `{"amount"`)+strings.Count(g.body, `{"callback_url"`)+strings.Count(g.body, `{"currency"`) != 3 {
		t.Errorf("validation: %d %s", g.status, g.body)
	}
	if g := r.do("POST", "/sama/api/pg/v2/payment/verify.json", "{}", "Content-Type", "application/json"); g.status != 404 {
		t.Errorf("without the slash: %d", g.status)
	}
}

func TestSamaReturn(t *testing.T) {
	r := newRig(t, Options{Returns: map[string]string{"sama": "post"}})
	authority := r.samaNew("10000")
	acted, err := r.sb.Act(authority, ActionCancel)
	if err != nil || acted.Return.Form["Status"] != "NOK" || acted.Return.Form["Authority"] != authority {
		t.Errorf("cancel: %+v %v", acted.Return, err)
	}
	r.control("POST", "settings", `{"all":{"return":"get"}}`)
	acted, _ = r.sb.Act(authority, ActionPay)
	if want := "http://shop.test/back?Authority=" + authority + "&Status=OK"; acted.Return.URL != want {
		t.Errorf("pay: %+v", acted.Return)
	}
}
