package sandbox

import (
	"encoding/json"
	"net/url"
	"testing"
)

func TestPayPing(t *testing.T) {
	r := newRig(t, Options{})
	ask := func(path, body string) got {
		return r.do("POST", "/payping"+path, body, "Content-Type", "application/json", "Authorization", "Bearer t")
	}
	report := func() string {
		return text(r.do("GET", "/payping/v1/report/"+r.sb.Ledger("payping", "", "").Payments[0].ID, "", "Authorization", "Bearer t").json(t)["paymentStatus"])
	}
	m := ask("/v3/pay", `{"amount":5000,"returnUrl":"http://shop.test/r","clientRefId":"7"}`).json(t)
	id := text(m["paymentCode"])
	if link := "/payping/v3/pay/start/" + id; id == "" || text(m["url"]) != r.srv.URL+link {
		t.Fatalf("create: %v", m)
	}
	meta := func(g got) string {
		inner, _ := g.json(t)["metaData"].(map[string]any)
		return text(inner["code"])
	}
	verify := func(ref, amount string) got {
		return ask("/v3/pay/verify", `{"paymentRefId":`+ref+`,"paymentCode":"`+id+`","amount":`+amount+`}`)
	}
	page := "/payping/v3/pay/start/" + id
	if s := report(); s != "0" {
		t.Errorf("report of a new payment: %s", s)
	}
	r.do("GET", page, "")
	if s := report(); s != "2" {
		t.Errorf("report at the bank: %s", s)
	}
	g := r.click(page, "cancel")
	back, _ := url.Parse(g.header.Get("Location"))
	if back.Query().Get("status") != "0" || report() != "3" || meta(verify("1", "5000")) != "127" {
		t.Errorf("cancelled: %s, report %s", back, report())
	}
	g = r.click(page, "pay")
	back, _ = url.Parse(g.header.Get("Location"))
	var data struct {
		Code, ClientRefID string
		PaymentRefID      json.Number
		Amount            int64
	}
	if err := json.Unmarshal([]byte(back.Query().Get("data")), &data); err != nil || back.Query().Get("status") != "1" || data.Amount != 5000 || data.ClientRefID != "7" {
		t.Errorf("return: %s, %+v, %v", back, data, err)
	}
	ref := data.PaymentRefID.String()
	if s := report(); s != "5" {
		t.Errorf("report of a paid payment: %s", s)
	}
	if c := meta(verify("1", "5000")); c != "122" {
		t.Errorf("another number: %s", c)
	}
	if c := meta(verify(ref, "50000")); c != "137" {
		t.Errorf("another amount: %s", c)
	}
	if g := ask("/v3/pay/verify", `{"paymentRefId":`+ref+`,"amount":5000}`); g.status != 400 {
		t.Errorf("without the code: %d", g.status)
	}
	if g := verify(ref, "5000"); g.status != 200 || text(g.json(t)["amount"]) != "5000" {
		t.Errorf("the first verify: %d %s", g.status, g.body)
	}
	g = verify(ref, "5000")
	inner, _ := g.json(t)["metaData"].(map[string]any)
	again, _ := inner["message"].(map[string]any)
	if g.status != 409 || meta(g) != "110" || text(again["PaymentRefId"]) != ref || text(again["Amount"]) != "5000" || report() != "1" {
		t.Errorf("the second verify: %d %s", g.status, g.body)
	}
	if g := r.do("POST", "/payping/v3/pay", "{}", "Authorization", "Bearer wrong"); g.status != 401 {
		t.Errorf("a wrong token: %d", g.status)
	}
	for _, body := range []string{`{}`, `{"amount":99,"returnUrl":"http://shop.test/"}`, `{"amount":5000,"returnUrl":"x"}`} {
		if g := ask("/v3/pay", body); g.status != 400 {
			t.Errorf("%s: %d", body, g.status)
		}
	}
}
