package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLoopbackOnly(t *testing.T) {
	for _, c := range []struct {
		remote string
		open   bool
		status int
	}{
		{"127.0.0.1:9", false, 200},
		{"127.8.9.1:9", false, 200},
		{"[::1]:9", false, 200},
		{"[::ffff:127.0.0.1]:9", false, 200},
		{"192.0.2.1:9", false, 403},
		{"[2001:db8::1]:9", false, 403},
		{"10.0.0.1:9", false, 403},
		{"", false, 403},
		{"localhost:9", false, 403},
		{"192.0.2.1:9", true, 200},
	} {
		sb, err := New(Options{AllowRemote: c.open})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/", "/_control/ledger", "/hamekar/"} {
			req := httptest.NewRequest("GET", path, nil)
			req.RemoteAddr = c.remote
			// What a client says about itself makes no difference.
			req.Header.Set("X-Forwarded-For", "127.0.0.1")
			rec := httptest.NewRecorder()
			sb.ServeHTTP(rec, req)
			if rec.Code != c.status {
				t.Errorf("%s %s: %d, want %d", c.remote, path, rec.Code, c.status)
			}
			if rec.Code == 403 && !strings.Contains(rec.Body.String(), "allow_remote") {
				t.Errorf("the refusal does not say what to do: %s", rec.Body)
			}
		}
	}
}

func TestConfiguredKeys(t *testing.T) {
	r := newRig(t, Options{APIKeys: []string{"plain-key"}, MerchantIDs: []string{"m1"}, StoreTokens: []string{"tok"}})
	create := `{"order_id":"1","amount":1000,"callback":"http://s.test/"}`
	r.wantError(r.idpay("payment", create), 403, "12")
	if g := r.idpay("payment", create, "X-API-KEY", "plain-key"); g.status != 201 {
		t.Errorf("idpay: %d %s", g.status, g.body)
	}
	sama := `{"amount":10000,"merchant_id":"m1","callback_url":"http://s.test/"}`
	if g := r.sama("request", sama); g.status != 200 {
		t.Errorf("sama: %d %s", g.status, g.body)
	}
	if g := r.sama("request", strings.Replace(sama, "m1", "m2", 1)); g.status != 401 {
		t.Errorf("sama: %d %s", g.status, g.body)
	}
	if g := r.form("/invoice/request", url.Values{"api_key": {"x"}}); text(g.json(t)["errorCode"]) != "101" {
		t.Errorf("invoice: %s", g.body)
	}
	if g := r.do("POST", "/hamekar/customer/callback", `{}`, "x-store-token", "other"); g.status != 401 {
		t.Errorf("hamekar: %d", g.status)
	}
}

func TestBadRequests(t *testing.T) {
	r := newRig(t, Options{})
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/", "", 200},
		{"GET", "/nothing", "", 404},
		{"POST", "/", "", 405},
		{"GET", "/idpay/v1.1/payment", "", 405},
		{"POST", "/idpay/v1.1/payments", "", 404},
		{"GET", "/sama/api/pg/v2/payment/verify.json/", "", 405},
		{"GET", "/hamekar/customer/callback", "", 405},
		{"GET", "/invoice/invoice/invoice/request", "", 404},
		{"POST", "/24pal/invoice/check/", "", 404},
		{"GET", "/idpay/p/ws/none", "", 404},
		{"GET", "/sama/pg/StartPay/none", "", 404},
		{"GET", "/invoice/pay/none/act/more", "", 404},
		{"DELETE", "/invoice/pay/none", "", 405},
		{"POST", "/idpay/v1.1/payment", strings.Repeat("x", maxBody+1), 413},
		{"GET", "/_control/none", "", 404},
		{"PUT", "/_control/faults", "", 405},
		{"GET", "/_control/reset", "", 405},
		{"DELETE", "/_control/faults/f9", "", 404},
		{"POST", "/_control/clock", `{"advance":"soon"}`, 400},
		{"POST", "/_control/settings", `{"paypal":{}}`, 404},
		{"POST", "/_control/settings", `{"idpay":{"return":"put"}}`, 400},
		{"POST", "/_control/settings", `{"idpay":{"retrun":"post"}}`, 400},
		{"POST", "/_control/settings", `{"invoice":{"window":"1m"}}`, 400},
		{"POST", "/_control/payments/none/act", `{"action":"pay"}`, 404},
		{"GET", "/_control/payments/none", "", 404},
	} {
		if g := r.do(c.method, c.path, c.body, "Content-Type", "application/json"); g.status != c.status {
			t.Errorf("%s %s: %d, want %d: %.200s", c.method, c.path, g.status, c.status, g.body)
		}
	}
	if g := r.do("POST", "/_control/reset", "", "Origin", "http://evil.test", "Sec-Fetch-Site", "cross-site"); g.status != 403 {
		t.Errorf("a stranger's page could reset the sandbox: %d", g.status)
	}
	for _, opts := range []Options{
		{Return: "put"}, {Window: -1}, {PublicURL: "ftp://x"}, {PublicURL: "://"}, {Returns: map[string]string{"x": "get"}},
		{Returns: map[string]string{"sama": "x"}},
	} {
		if _, err := New(opts); err == nil {
			t.Errorf("accepted: %+v", opts)
		}
	}
}

func TestControl(t *testing.T) {
	r := newRig(t, Options{})
	id, link := r.idpayNew("1", "1000")
	var acted Acted
	g := r.control("POST", "payments/"+id+"/act", `{"action":"close"}`)
	if err := json.Unmarshal([]byte(g.body), &acted); err != nil || acted.Return != nil || acted.Payment.State != StatePaid {
		t.Errorf("close: %s", g.body)
	}
	if g := r.control("POST", "payments/"+id+"/act", `{"action":"cancel"}`); g.status != 409 {
		t.Errorf("cancelling a paid payment: %d %s", g.status, g.body)
	}
	if g := r.control("POST", "payments/"+id+"/act", `{"action":"dance"}`); g.status != 400 {
		t.Errorf("unknown action: %d %s", g.status, g.body)
	}
	if g := r.control("POST", "payments/"+id+"/act", `{"action":"refund"}`); g.status != 200 {
		t.Errorf("refund: %d %s", g.status, g.body)
	}
	r.wantError(r.idpayAsk("verify", id, "1"), 405, "53")
	var l Ledger
	if err := json.Unmarshal([]byte(r.control("GET", "ledger?order=1", "").body), &l); err != nil {
		t.Fatal(err)
	}
	if len(l.Payments) != 1 || l.Payments[0].Refunded != 1000 || l.Payments[0].PayLink != link ||
		l.Requests["POST /idpay/v1.1/payment"] != 1 || l.Totals.States["refunded"] != 1 {
		t.Errorf("ledger: %+v", l)
	}

	// The page's forms come back to the page.
	g = r.do("POST", "/_control/faults", "kind=delay&ms=5&count=&provider=idpay",
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Sec-Fetch-Site", "same-origin")
	if g.status != 303 || g.header.Get("Location") != "./" || len(r.sb.Faults()) != 1 {
		t.Errorf("form: %d %s", g.status, g.body)
	}
	g = r.do("POST", "/_control/payments/"+id+"/act", "action=return", "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
	if g.status != 303 || g.header.Get("Location") != "../.././" {
		t.Errorf("form: %d %s %s", g.status, g.header.Get("Location"), g.body)
	}
	// JSON works as curl -d sends it, too: called a form.
	g = r.do("POST", "/_control/clock", ` {"advance":"1m"}`, "Content-Type", "application/x-www-form-urlencoded")
	if g.status != 200 || !strings.Contains(g.body, `"offset": "1m0s"`) {
		t.Errorf("curl: %d %s", g.status, g.body)
	}
	page := r.do("GET", "/_control/", "", "Accept-Language", "en-US,en")
	if page.status != 200 || !strings.Contains(page.body, id) || !strings.Contains(page.body, "Armed faults") {
		t.Errorf("page: %d %s", page.status, page.body)
	}
	r.control("POST", "reset", "")
	if l := r.sb.Ledger("", "", ""); len(l.Payments)+len(l.Faults)+len(l.Requests) != 0 {
		t.Errorf("after reset: %+v", l)
	}
}

// Many verify calls at once: one is the first, the others come again.
func TestConcurrentVerify(t *testing.T) {
	r := newRig(t, Options{})
	id := r.paidIDPay()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if g := r.idpayAsk("verify", id, "1"); g.status != http.StatusOK {
				t.Errorf("%d %s", g.status, g.body)
			}
		})
	}
	wg.Wait()
	if v := r.payment(id).Verify; v.Calls != 32 || v.First != 1 || v.Again != 31 {
		t.Errorf("verifies: %+v", v)
	}
}

// A refused settings request changes nothing, and what is not named stays.
func TestSettingsMerge(t *testing.T) {
	r := newRig(t, Options{})
	r.control("POST", "settings", `{"sama":{"fee":5,"fee_type":"buyer","window":"1m"}}`)
	if g := r.control("POST", "settings", `{"sama":{"fee":9},"idpay":{"join":"x"}}`); g.status != 400 {
		t.Errorf("accepted: %s", g.body)
	}
	for _, body := range []string{`{"nope":{"window":"1m"}}`, `{"sama":{"fee":9},"nope":{}}`, `{"":{"window":"1m"}}`} {
		if g := r.control("POST", "settings", body); g.status != 404 || !strings.Contains(g.body, "the sandbox has") {
			t.Errorf("%s: %d %s", body, g.status, g.body)
		}
	}
	if c := r.sb.Settings()["sama"]; *c.Fee != 5 {
		t.Errorf("a refused request set the fee to %d", *c.Fee)
	}
	r.control("POST", "settings", `{"sama":{"fee":9}}`)
	if c := r.sb.Settings()["sama"]; *c.Fee != 9 || c.FeeType != "buyer" || c.Window != "1m" {
		t.Errorf("merged: %+v", c)
	}
	authority := r.samaNew("10000")
	r.sb.Act(authority, ActionPay)
	r.sb.Advance(2 * time.Minute)
	if p := r.payment(authority); p.State != StateReversed || p.Payable != 10009 || p.Refunded != 10009 {
		t.Errorf("ledger: %+v", p)
	}
}
