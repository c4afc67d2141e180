package sandbox

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

const zarinpalMerchant = "1344b5d4-0048-11e8-94db-005056a205be"

func (r *rig) zarinpal(op, body string) got {
	r.Helper()
	body = strings.Replace(body, "{", `{"merchant_id":"`+zarinpalMerchant+`",`, 1)
	return r.do("POST", "/zarinpal/pg/v4/payment/"+op+".json", strings.Replace(body, ",}", "}", 1), "Content-Type", "application/json")
}

func (r *rig) zarinpalNew(amount, more string) (authority string) {
	r.Helper()
	g := r.zarinpal("request", `{"amount":`+amount+`,"description":"x","callback_url":"http://shop.test/back"`+more+`}`)
	if g.status != 200 {
		r.Fatalf("create: %d %s", g.status, g.body)
	}
	return text(g.json(r.T)["data"].(map[string]any)["authority"])
}

func (r *rig) zarinpalVerify(authority, amount string) got {
	r.Helper()
	return r.zarinpal("verify", `{"amount":`+amount+`,"authority":"`+authority+`"}`)
}

func (r *rig) zarinpalState(authority string) string {
	r.Helper()
	data, _ := r.zarinpal("inquiry", `{"authority":"`+authority+`"}`).json(r.T)["data"].(map[string]any)
	return text(data["status"])
}

func (r *rig) zarinpalCode(g got, want int) {
	r.Helper()
	if !strings.Contains(g.body, `"code":`+strconv.Itoa(want)) || want < 0 && !strings.HasPrefix(g.body, `{"data":[],"errors":{`) {
		r.Errorf("want %d: %d %s", want, g.status, g.body)
	}
}

func TestZarinpalFlow(t *testing.T) {
	r := newRig(t, Options{})
	id := r.zarinpalNew("20000", `,"metadata":{"order_id":"o-1"}`)
	if len(id) != 36 || id[0] != 'A' {
		t.Errorf("authority %s", id)
	}
	r.zarinpalCode(r.zarinpalVerify(id, "20000"), -51)
	if state := r.zarinpalState(id); state != "IN_BANK" {
		t.Errorf("state %s", state)
	}
	for _, path := range []string{"", "/", "/ZarinGate"} {
		if g := r.do("GET", "/zarinpal/pg/StartPay/"+id+path, ""); g.status != 200 {
			t.Errorf("pay page %s: %d", path, g.status)
		}
	}
	acted, err := r.sb.Act(id, ActionPay)
	if want := "http://shop.test/back?Authority=" + id + "&Status=OK"; err != nil || acted.Return.URL != want {
		t.Errorf("%+v, %v", acted.Return, err)
	}
	if state := r.zarinpalState(id); state != "PAID" {
		t.Errorf("state %s", state)
	}
	if g := r.zarinpal("unVerified", `{}`); !strings.Contains(g.body, `{"data":{"code":"100","message":"Success","authorities":[{"authority":"`+id+`","amount":20000,`) {
		t.Errorf("list: %s", g.body)
	}
	r.zarinpalCode(r.zarinpalVerify(id, "20001"), -50)
	r.zarinpalCode(r.zarinpalVerify(id, "20000"), 100)
	r.zarinpalCode(r.zarinpalVerify(id, `"20000"`), 101)
	if state := r.zarinpalState(id); state != "VERIFIED" {
		t.Errorf("state %s", state)
	}
	if g := r.zarinpal("unVerified", `{}`); !strings.HasSuffix(g.body, `"authorities":[]},"errors":[]}`) {
		t.Errorf("list: %s", g.body)
	}
	if p := r.payment(id); p.Settled != 20000 || p.Order != "o-1" || p.Verify.First != 1 || p.Verify.Again != 1 || p.Verify.Refused != 2 {
		t.Errorf("ledger: %+v", p)
	}
}

// TestZarinpalToman: the unit of create is that of verify.
func TestZarinpalToman(t *testing.T) {
	r := newRig(t, Options{})
	id := r.zarinpalNew("2000", `,"currency":"IRT"`)
	if _, err := r.sb.Act(id, ActionPay); err != nil {
		t.Fatal(err)
	}
	r.zarinpalCode(r.zarinpalVerify(id, "20000"), -50)
	r.zarinpalCode(r.zarinpalVerify(id, "2000"), 100)
	if p := r.payment(id); p.Settled != 20000 {
		t.Errorf("ledger: %+v", p)
	}
}

func TestZarinpalUnpaidAndLate(t *testing.T) {
	r := newRig(t, Options{})
	id := r.zarinpalNew("20000", "")
	acted, err := r.sb.Act(id, ActionDecline)
	if err != nil || !strings.HasSuffix(acted.Return.URL, "&Status=NOK") || r.zarinpalState(id) != "FAILED" {
		t.Errorf("%+v, %v", acted.Return, err)
	}
	r.control("POST", "settings", `{"zarinpal":{"window":"15m"}}`)
	if _, err := r.sb.Act(id, ActionPay); err != nil {
		t.Fatal(err)
	}
	r.sb.Advance(16 * time.Minute)
	r.zarinpalCode(r.zarinpalVerify(id, "20000"), -51)
	if r.zarinpalState(id) != "REVERSED" {
		t.Error("the money didn't go back")
	}
	// auto_verify: the merchant's own first verify is a repeated one.
	id = r.zarinpalNew("20000", `,"metadata":{"auto_verify":true}`)
	_, _ = r.sb.Act(id, ActionPay)
	r.zarinpalCode(r.zarinpalVerify(id, "20000"), 101)
}

func TestZarinpalErrors(t *testing.T) {
	r := newRig(t, Options{})
	id := r.zarinpalNew("20000", "")
	good := `{"amount":20000,"description":"x","callback_url":"http://shop.test/back"}`
	for _, c := range []struct {
		op, body string
		code     int
		has      string
	}{
		{"request", strings.Replace(good, "20000", "999", 1), -9, `[{"amount":`},
		{"request", strings.Replace(good, "20000", "1000000001", 1), -41, ""},
		{"request", strings.Replace(good, `"x"`, `""`, 1), -9, `{"description":`},
		{"request", strings.Replace(good, "http://", "ftp://", 1), -9, `{"callback_url":`},
		{"request", strings.Replace(good, "}", `,"currency":"USD"}`, 1), -9, `{"currency":`},
		{"verify", `{"amount":20000,"authority":"x"}`, -9, `[{"authority":`},
		{"verify", `{"amount":20000,"authority":"` + strings.Repeat("A", 36) + `"}`, -54, ""},
		{"inquiry", `{"authority":"` + strings.Repeat("A", 36) + `"}`, -54, ""},
	} {
		g := r.zarinpal(c.op, c.body)
		r.zarinpalCode(g, c.code)
		if !strings.Contains(g.body, c.has) {
			t.Errorf("%s %s: %s", c.op, c.body, g.body)
		}
	}
	raw := func(merchant string) got {
		return r.do("POST", "/zarinpal/pg/v4/payment/verify.json/", `{"merchant_id":"`+merchant+`","amount":20000,"authority":"`+id+`"}`, "Content-Type", "application/json")
	}
	r.zarinpalCode(raw(zarinpalMerchant), -51) // the slash at the end is nothing
	r.zarinpalCode(raw("short"), -9)
	r.zarinpalCode(raw("wrong5d4-0048-11e8-94db-005056a205be"), -10)
	r.zarinpalCode(raw("2344b5d4-0048-11e8-94db-005056a205be"), -53)
	if g := r.do("GET", "/zarinpal/pg/v4/payment/verify.json", ""); g.status != 403 || !strings.HasPrefix(g.body, "<html>") {
		t.Errorf("GET: %d %s", g.status, g.body)
	}
	r.zarinpalCode(r.zarinpal("reverse", good), -54)
	if g := r.zarinpal("feeCalculation", good); g.status != 404 {
		t.Errorf("feeCalculation: %d", g.status)
	}
	r.control("POST", "settings", `{"zarinpal":{"callback_host":"other.test"}}`)
	r.zarinpalCode(r.zarinpal("request", good), -14)
	r.fault(`{"provider":"zarinpal","kind":"error","code":"-12","count":1}`)
	r.zarinpalCode(r.zarinpalVerify(id, "20000"), -12)
	r.fault(`{"provider":"zarinpal","kind":"numbers_as_strings","count":1}`)
	if g := r.zarinpalVerify(id, "20000"); !strings.Contains(g.body, `"code":"-51"`) {
		t.Errorf("%s", g.body)
	}
}
