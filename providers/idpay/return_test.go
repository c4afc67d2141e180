package idpay

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

func TestReadReturn(t *testing.T) {
	p := provider(t, "", 0, false)
	read := func(m map[string]string) (payment.Claimed, error) {
		return p.ReadReturn(func(n string) string { return m[n] })
	}
	for status, want := range map[string]payment.Hint{
		"10": payment.HintPaid, "۱۰": payment.HintPaid, "100": payment.HintPaid, "101": payment.HintPaid, "200": payment.HintPaid,
		"1": payment.HintUnpaid, "7": payment.HintUnpaid, "8": payment.HintUnpaid, "11": payment.HintNone,
	} {
		c, err := read(map[string]string{"id": sampleID, "order_id": "101", "status": status})
		if err != nil || c != (payment.Claimed{ID: sampleID, Order: "101", Hint: want, Cancelled: status == "7"}) {
			t.Errorf("status %s: %+v, %v", status, c, err)
		}
	}
	for name := range map[string]int{"id": 0, "order_id": 0, "status": 0} {
		m := map[string]string{"id": sampleID, "order_id": "101", "status": "10"}
		delete(m, name)
		if _, err := read(m); !errors.Is(err, payment.ErrMalformed) || !strings.HasSuffix(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestPayPage(t *testing.T) {
	live, box := provider(t, "", 0, false), provider(t, "", 0, true)
	local := provider(t, "http://localhost:9101/idpay", 0, false)
	for _, c := range []struct {
		p       *Provider
		address string
		ok      bool
	}{
		{live, "https://idpay.ir/p/ws/" + sampleID, true},
		{live, "http://IDPay.ir:80/p/ws/" + sampleID + "?a=1", true},
		{live, "https://idpay.ir:443/p/ws/" + sampleID + "/", true},
		{live, "https://idpay.ir/p/ws-sandbox/" + sampleID, false},
		{live, "https://idpay.ir:8443/p/ws/" + sampleID, false},
		{live, "https://idpay.ir.evil.example/p/ws/" + sampleID, false},
		{live, "https://user@idpay.ir/p/ws/" + sampleID, false},
		{live, "https://idpay.ir/p/ws/", false},
		{live, "https://idpay.ir/p/ws/..%2f" + sampleID, false},
		{live, "https://idpay.ir/p/ws/" + sampleID + "/x", false},
		{live, "/p/ws/" + sampleID, false},
		{box, "https://idpay.ir/p/ws-sandbox/" + sampleID, true},
		{local, "http://localhost:9101/idpay/p/ws/" + sampleID, true},
		{local, "http://localhost:9101/p/ws/" + sampleID, false},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := c.p.PayPage(u); ok != c.ok || (ok && id != sampleID) {
			t.Errorf("%s: %q, %v", c.address, id, ok)
		}
	}
}

func TestReturnParams(t *testing.T) {
	p := provider(t, "", 0, false)
	rc := &payment.Receipt{ID: sampleID, Order: "101", Amount: 10000, Number: "10012", Card: "123456******1234", PaidAt: time.Unix(1546288500, 0)}
	want := map[string]string{
		"id": sampleID, "order_id": "101", "status": "10", "amount": "10000", "track_id": "10012",
		"card_no": "123456******1234", "hashed_card_no": "", "date": "1546288500",
	}
	if got := p.ReturnParams(&payment.Record{ID: sampleID, Order: "101", Receipt: rc}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestConfig(t *testing.T) {
	var p Provider
	err := p.UnmarshalCaddyfile(caddyfile.NewTestDispenser(`idpay shop {
		api_key {env.X}
		sandbox
		base_url http://localhost:9101/idpay
		pay_url http://localhost:9101
		timeout 3s
		proxy_url socks5://127.0.0.1:1080
	}`))
	if err != nil || p.APIKey != "{env.X}" || !p.Sandbox || time.Duration(p.Timeout) != 3*time.Second || p.PayURL == "" || p.ProxyURL == "" {
		t.Errorf("%+v, %v", p, err)
	}
	for input, want := range map[string]string{
		"idpay {\napi_kye x\n}":            "did you mean 'api_key'",
		"idpay {\nmerchant_id x\n}":        "unrecognised option 'merchant_id'",
		"idpay {\napi_key a\napi_key b\n}": "already specified",
		"idpay {\napi_key a b\n}":          "wrong argument count",
		"idpay {\nsandbox maybe\n}":        "on or off",
		"idpay {\ntimeout 8h\n}":           "timeout",
		"idpay a b":                        "wrong argument count",
		"idpay {\napi_key \"\"\n}":         "must not be empty",
	} {
		if err := new(Provider).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Testfile:") {
			t.Errorf("%q: %v", input, err)
		}
	}
	for _, p := range []*Provider{
		{}, {APIKey: "{env.TEST_SURELY_UNSET}"}, {APIKey: "{file./nonexistent/canary}"},
		{APIKey: "canary\x01"},
	} {
		if err := providertest.Provision(t, p); err == nil || !strings.Contains(err.Error(), "api_key") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
	if tr := payment.TermsOf(provider(t, "", 0, true)); tr.Issuer != "idpay|"+payment.AccountID("idpay", sampleKey)+"|sandbox" || tr.Host != "idpay|api.idpay.ir|sandbox" || tr.Environment != "sandbox" || tr.Window != 10*time.Minute {
		t.Errorf("%+v", tr)
	}
}
