package sandbox

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// The provider's own sample, byte for byte: same ids, same times.
func TestIDPayVerifySample(t *testing.T) {
	r := newRig(t, Options{})
	r.idpayNew("101", "10000")
	p := r.sb.st.listed[0]
	delete(r.sb.st.payments, "idpay/"+p.id)
	p.id, p.trackID, p.bankRef = "d2e353189823079e1e4181772cff5292", "10012", "888001"
	p.card = "123456******1234"
	p.hashedCard = "e59fa6241c94b8836e3d03120df33e80fd988888bba0a122240c2e7d23b48295"
	r.sb.st.payments["idpay/"+p.id] = p

	r.clock.set(1546288500)
	if _, err := r.sb.Act(p.id, ActionPay); err != nil {
		t.Fatal(err)
	}
	r.clock.set(1546288800)
	want := fixture(t, "idpay_verify_100")
	ask := fixture(t, "idpay_verify_request")
	g := r.idpay("payment/verify", ask)
	r.want(g, 200, want)
	if date := g.header.Get("Date"); date != "Mon, 31 Dec 2018 20:40:00 GMT" {
		t.Errorf("Date is %q, not the sandbox's clock", date)
	}
	r.clock.set(1546299999)
	r.want(r.idpay("payment/verify", ask), 200, strings.Replace(want, `"100"`, `"101"`, 1))
	r.want(r.idpay("payment/verify", `{"id":"`+p.id+`"}`), 406, fixture(t, "idpay_error_32"))
}

func TestIDPayCreate(t *testing.T) {
	r := newRig(t, Options{})
	const ok = `"callback":"http://shop.test/cb"`
	for _, c := range []struct {
		name, body string
		header     []string
		status     int
		code       string
	}{
		{"number order", `{"order_id":101,"amount":"1000",` + ok + `,"name":null,"phone":null}`, nil, 201, ""},
		{"no key", `{}`, []string{"X-API-KEY", ""}, 403, "12"},
		{"bad key", `{}`, []string{"X-API-KEY", "wrong"}, 403, "12"},
		{"no order", `{"amount":1000,` + ok + `}`, nil, 406, "32"},
		{"not JSON", `order_id=1`, nil, 406, "32"},
		{"JSON of no type", `{"order_id":"1","amount":1000,` + ok + `}`, []string{"Content-Type", ""}, 406, "32"},
		{"long order", `{"order_id":"` + strings.Repeat("x", 51) + `","amount":1000,` + ok + `}`, nil, 406, "32"},
		{"no amount", `{"order_id":"1",` + ok + `}`, nil, 406, "33"},
		{"small", `{"order_id":"1","amount":999,` + ok + `}`, nil, 406, "34"},
		{"text amount", `{"order_id":"1","amount":"x",` + ok + `}`, nil, 406, "34"},
		{"large", `{"order_id":"1","amount":500000001,` + ok + `}`, nil, 406, "35"},
		{"no callback", `{"order_id":"1","amount":1000}`, nil, 406, "37"},
		{"script callback", `{"order_id":"1","amount":1000,"callback":"javascript:alert(1)"}`, nil, 406, "39"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := r.idpay("payment", c.body, c.header...)
			if g.status != c.status || text(g.json(t)["error_code"]) != c.code {
				t.Errorf("got %d %s", g.status, g.body)
			}
		})
	}
	if err := r.sb.SetSettings("idpay", Settings{CallbackHost: "other.test"}); err != nil {
		t.Fatal(err)
	}
	body := `{"order_id":"1","amount":1000,` + ok + `}`
	r.wantError(r.idpay("payment", body, "X-SANDBOX", "0"), 406, "38")
	if g := r.idpay("payment", body); g.status != 201 {
		t.Errorf("the sandbox mode looked at the domain: %d %s", g.status, g.body)
	}
}

func TestIDPayLinks(t *testing.T) {
	r := newRig(t, Options{})
	id, link := r.idpayNew("1", "1000")
	if want := r.srv.URL + "/idpay/p/ws-sandbox/" + id; link != want || len(id) != 32 {
		t.Errorf("link %s, want %s", link, want)
	}
	if g := r.do("GET", "/idpay/p/ws/"+id, ""); g.status != 404 {
		t.Errorf("a sandbox payment opened under the live link: %d", g.status)
	}
	g := r.idpay("payment", `{"order_id":"1","amount":1000,"callback":"http://shop.test/"}`, "X-SANDBOX", "false")
	if link := g.json(t)["link"].(string); !strings.HasPrefix(link, r.srv.URL+"/idpay/p/ws/") {
		t.Errorf("live link %s", link)
	}
	public := newRig(t, Options{PublicURL: "https://pay.test/sandbox/"})
	if _, link := public.idpayNew("1", "1000"); !strings.HasPrefix(link, "https://pay.test/sandbox/idpay/p/ws-sandbox/") {
		t.Errorf("public link %s", link)
	}
}

func TestIDPayLife(t *testing.T) {
	r := newRig(t, Options{})
	id, link := r.idpayNew("7", "25000")
	status := func() string {
		r.Helper()
		return text(r.idpayAsk("inquiry", id, "7").json(r.T)["status"])
	}
	if s := status(); s != "1" {
		t.Errorf("created: %s", s)
	}
	r.do("GET", link, "")
	if s := status(); s != "8" {
		t.Errorf("opened: %s", s)
	}
	r.click(link, "decline")
	if s := status(); s != "2" {
		t.Errorf("declined: %s", s)
	}
	r.click(link, "cancel")
	if s := status(); s != "7" {
		t.Errorf("cancelled: %s", s)
	}
	r.wantError(r.idpayAsk("verify", id, "7"), 405, "53")
	r.click(link, "pay")
	if s := status(); s != "10" {
		t.Errorf("paid: %s", s)
	}
	for _, c := range []got{
		r.idpayAsk("verify", id, "8"),
		r.idpayAsk("verify", strings.Repeat("0", 32), "7"),
		r.idpay("payment/verify", `{"id":"`+id+`","order_id":"7"}`, "X-SANDBOX", "0"),
		r.idpay("payment/verify", `{"id":"`+id+`","order_id":"7"}`, "X-API-KEY", randomUUID()),
	} {
		r.wantError(c, 400, "52")
	}
	r.wantError(r.idpay("payment/verify", `{"order_id":"7"}`), 406, "31")
	if s := text(r.idpayAsk("verify", id, "7").json(t)["status"]); s != "100" {
		t.Errorf("first verify: %s", s)
	}
	r.sb.Advance(time.Hour)
	if s := text(r.idpayAsk("verify", id, "7").json(t)["status"]); s != "101" {
		t.Errorf("second verify: %s", s)
	}
	if s := status(); s != "100" {
		t.Errorf("verified: %s", s)
	}
	if g := r.control("POST", "payments/"+id+"/act", `{"action":"settle"}`); g.status != 200 {
		t.Errorf("settle: %s", g.body)
	}
	if s := status(); s != "200" {
		t.Errorf("settled: %s", s)
	}
	p := r.payment(id)
	if p.Settled != 25000 || p.Refunded != 0 || p.Verify.First != 1 || p.Verify.Again != 1 || p.Verify.Calls != 6 {
		t.Errorf("ledger: %+v", p)
	}
}

func TestIDPayWindow(t *testing.T) {
	r := newRig(t, Options{Window: 5 * time.Minute})
	inTime, _ := r.idpayNew("1", "1000")
	late, _ := r.idpayNew("2", "2000")
	for _, id := range []string{inTime, late} {
		if _, err := r.sb.Act(id, ActionPay); err != nil {
			t.Fatal(err)
		}
	}
	r.sb.Advance(5 * time.Minute)
	if g := r.idpayAsk("verify", inTime, "1"); g.status != 200 {
		t.Errorf("in the last second: %d %s", g.status, g.body)
	}
	if g := r.control("POST", "clock", `{"advance":"1s"}`); g.status != 200 {
		t.Errorf("clock: %s", g.body)
	}
	r.wantError(r.idpayAsk("verify", late, "2"), 405, "54")
	if s := text(r.idpayAsk("inquiry", late, "2").json(t)["status"]); s != "6" {
		t.Errorf("inquiry says %s", s)
	}
	if p := r.payment(late); p.State != StateReversed || p.Refunded != 2000 || p.Settled != 0 || p.RefundedAt == nil {
		t.Errorf("ledger: %+v", p)
	}
	if _, err := r.sb.Act(late, ActionPay); err == nil {
		t.Error("a reversed payment could be paid again")
	}
}

func TestIDPayReturns(t *testing.T) {
	r := newRig(t, Options{})
	id, link := r.idpayNew("12 3", "1000")
	track := r.payment(id).TrackID
	g := r.click(link, "pay")
	want := "http://shop.test/cb?wc-api=idpay&status=10&track_id=" + track + "&id=" + id + "&order_id=12+3"
	if g.status != 303 || g.header.Get("Location") != want {
		t.Errorf("got %d %s, want %s", g.status, g.header.Get("Location"), want)
	}

	r.control("POST", "payments/"+id+"/settings", `{"return":"post"}`)
	g = r.click(link+"/act", "return")
	if g.status != 200 || !strings.Contains(g.body, `action="http://shop.test/cb?wc-api=idpay"`) {
		t.Errorf("got %d %s", g.status, g.body)
	}
	for _, name := range []string{"status", "track_id", "id", "order_id", "amount", "card_no", "hashed_card_no", "date"} {
		if !strings.Contains(g.body, `name="`+name+`"`) {
			t.Errorf("the form has no %s", name)
		}
	}
	acted, err := r.sb.Act(id, ActionReturn)
	if err != nil || acted.Return.Method != "POST" || len(acted.Return.Form) != 8 || acted.Return.Form["status"] != "10" {
		t.Errorf("act: %+v %v", acted.Return, err)
	}

	declined, _ := r.idpayNew("9", "1000")
	acted, _ = r.sb.Act(declined, ActionDecline)
	u, _ := url.Parse(acted.Return.URL)
	if u.Query().Get("status") != "2" || u.Query().Get("card_no") != "" {
		t.Errorf("declined: %s", acted.Return.URL)
	}
	if p := r.payment(id); p.Returns != 3 {
		t.Errorf("%d returns, want 3", p.Returns)
	}
}

func TestIDPayList(t *testing.T) {
	r := newRig(t, Options{})
	if g := r.idpay("payment/transactions", `{}`); g.status != 204 || g.body != "" {
		t.Errorf("empty list: %d %q", g.status, g.body)
	}
	paid, _ := r.idpayNew("1", "1000")
	r.idpayNew("2", "2000")
	r.idpayNew("3", "3000")
	r.sb.Act(paid, ActionPay)

	m := r.idpay("payment/transactions?page=1&page_size=2", ``).json(t)
	records := m["records"].([]any)
	attachment := m["attachment"].(map[string]any)
	if len(records) != 1 || text(attachment["total_count"]) != "3" || attachment["total_amount"] != "6000" {
		t.Errorf("second page: %v", m)
	}
	m = r.idpay("payment/transactions", `{"status":["10"],"payment_date":{"min":1,"max":"9999999999"}}`).json(t)
	if records := m["records"].([]any); len(records) != 1 || records[0].(map[string]any)["id"] != paid {
		t.Errorf("filtered: %v", m)
	}
	r.wantError(r.idpay("payment/transactions", `{"status":"10"}`), 406, "41")
	r.wantError(r.idpay("payment/transactions", `{"payment_date":5}`), 406, "42")
	r.wantError(r.idpay("payment/transactions", `{"settlement_date":{}}`), 406, "43")
	for _, page := range []string{"9223372036854775807", "-1", "99"} {
		if g := r.idpay("payment/transactions?page="+page, `{}`); g.status != 204 {
			t.Errorf("page %s: %d", page, g.status)
		}
	}
}
