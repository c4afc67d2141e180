package zarinpal

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

func TestReadReturn(t *testing.T) {
	p := provider(t, "", 0)
	read := func(authority, status string) (payment.Claimed, error) {
		m := map[string]string{"Authority": authority, "Status": status}
		return p.ReadReturn(func(n string) string { return m[n] })
	}
	for status, want := range map[string]payment.Hint{
		"OK": payment.HintPaid, "NOK": payment.HintUnpaid,
		"": payment.HintNone, "ok": payment.HintNone, "nok": payment.HintNone, "FAILED": payment.HintNone,
	} {
		if c, err := read(sampleID, status); err != nil || c != (payment.Claimed{ID: sampleID, Hint: want}) {
			t.Errorf("status %q: %+v, %v", status, c, err)
		}
	}
	// Authorities are texts: one that was cast to a number is nobody's. Their case
	// counts, so nothing is folded.
	for authority, ok := range map[string]bool{
		"A0000000000000000000000000000wwOGYpd": true, "S00000000000000000000000000000ydq5y8": true,
		"000000000000000000000000000000193201": true, strings.Repeat("0", 36): false,
		"193201": false, sampleID + "1": false, sampleID[1:]: false, "": false,
		"A-0000000000000000000000000217885159": false, "۱" + sampleID[2:]: false,
	} {
		c, err := read(authority, "OK")
		if ok != (err == nil) || ok && c.ID != authority || !ok && (!errors.Is(err, payment.ErrMalformed) || !strings.HasSuffix(err.Error(), "Authority")) {
			t.Errorf("%q: %+v, %v", authority, c, err)
		}
	}
	if _, err := read(sampleID, "<script>"); !errors.Is(err, payment.ErrMalformed) {
		t.Errorf("%v", err)
	}
}

func TestPayPageOnEveryHost(t *testing.T) {
	live, box, local := provider(t, "", 0), provider(t, "", 0, sandboxed), provider(t, "http://localhost:9101/zarinpal", 0)
	older := provider(t, "https://api.zarinpal.com", 0)
	direct := provider(t, "", 0, func(p *Provider) { p.PayURL = "https://payment.zarinpal.com/pg/StartPay/{authority}/ZarinGate" })
	for _, c := range []struct {
		p       *Provider
		address string
		ok      bool
	}{
		{live, "https://payment.zarinpal.com/pg/StartPay/" + sampleID, true},
		{live, "https://www.zarinpal.com/pg/StartPay/" + sampleID, true},
		{live, "https://zarinpal.com/pg/StartPay/" + sampleID, true},
		{live, "http://WWW.zarinpal.com:80/pg/StartPay/" + sampleID + "/", true},
		{live, "https://www.zarinpal.com/pg/StartPay/" + sampleID + "/ZarinGate", true},
		{live, "https://payment.zarinpal.com/pg/StartPay/" + sampleID + "/ZarinGate?x=1", true},
		{live, "https://payment.zarinpal.com/pg/StartPay/" + sampleID + "/Other", false},
		{live, "https://sandbox.zarinpal.com/pg/StartPay/" + sampleID, false},
		{live, "https://payment.zarinpal.com/pg/StartPay/", false},
		{live, "https://payment.zarinpal.com/pg/StartPay/217885159", false},
		{live, "https://payment.zarinpal.com.evil.example/pg/StartPay/" + sampleID, false},
		{live, "https://evilzarinpal.com/pg/StartPay/" + sampleID, false},
		{live, "/pg/StartPay/" + sampleID, false},
		{older, "https://www.zarinpal.com/pg/StartPay/" + sampleID, true},
		{box, "https://sandbox.zarinpal.com/pg/StartPay/" + sampleID, true},
		{box, "https://sandbox.zarinpal.com/pg/StartPay/" + sampleID + "/ZarinGate", true},
		{box, "https://payment.zarinpal.com/pg/StartPay/" + sampleID, false},
		{local, "http://localhost:9101/zarinpal/pg/StartPay/" + sampleID, true},
		{local, "http://localhost:9101/zarinpal/pg/StartPay/" + sampleID + "/ZarinGate", true},
		{local, "https://payment.zarinpal.com/pg/StartPay/" + sampleID, true},
		{direct, "https://payment.zarinpal.com/pg/StartPay/" + sampleID + "/ZarinGate", true},
		{direct, "https://www.zarinpal.com/pg/StartPay/" + sampleID, true},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := c.p.PayPage(u); ok != c.ok || ok && id != sampleID {
			t.Errorf("%s: %q, %v", c.address, id, ok)
		}
	}
	// The host of the older documents has an API and no pay page.
	for p, want := range map[*Provider]string{
		live: "https://payment.zarinpal.com/pg/StartPay/x", older: "https://payment.zarinpal.com/pg/StartPay/x",
		box: "https://sandbox.zarinpal.com/pg/StartPay/x", direct: "https://payment.zarinpal.com/pg/StartPay/x/ZarinGate",
		local: "http://localhost:9101/zarinpal/pg/StartPay/x",
	} {
		if got := p.PageOf("x"); got != want {
			t.Errorf("browsers are sent to %s, not %s", got, want)
		}
	}
}

func TestReturnParams(t *testing.T) {
	p := provider(t, "", 0)
	if got := p.ReturnParams(&payment.Record{ID: sampleID}); !reflect.DeepEqual(got, map[string]string{"Authority": sampleID}) {
		t.Errorf("%v", got)
	}
	if got := p.ReturnParams(&payment.Record{ID: sampleID, Receipt: &payment.Receipt{}}); !reflect.DeepEqual(got, map[string]string{"Authority": sampleID, "Status": "OK"}) {
		t.Errorf("%v", got)
	}
}

func TestConfig(t *testing.T) {
	var p Provider
	err := p.UnmarshalCaddyfile(caddyfile.NewTestDispenser(`zarinpal shop {
		merchant_id {env.X}
		sandbox
		unit toman
		base_url http://localhost:9101/zarinpal
		pay_url http://localhost:9101/pay/{authority}
		timeout 3s
	}`))
	if err != nil || p.MerchantID != "{env.X}" || !p.Sandbox || p.Unit != "toman" || p.Protocol().Step != 10 {
		t.Errorf("%+v, %v", p, err)
	}
	for input, want := range map[string]string{
		"zarinpal {\nmerchant x\n}":    "did you mean 'merchant_id'",
		"zarinpal {\nunit rail\n}":     "did you mean 'rial'",
		"zarinpal {\nsandbox maybe\n}": "on or off",
		"zarinpal":                     "merchant_id",
		"zarinpal {\nmerchant_id {env.X}\nbase_url https://sandbox.zarinpal.com\n}":                  "write `sandbox on`",
		"zarinpal {\nmerchant_id {env.X}\nsandbox\nbase_url https://api.zarinpal.com\n}":             "where money moves",
		"zarinpal {\nmerchant_id {env.X}\npay_url https://a.example?x={authority}\n}":                "{authority} must be in its path",
		"zarinpal {\nmerchant_id {env.X}\nbase_url http://zarinpal.example\n}":                       "plain http",
		"zarinpal {\nmerchant_id {env.X}\nbase_url https://a.example\nbase_url https://a.example\n}": "already specified",
	} {
		if err := new(Provider).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", input, err)
		}
	}
	for _, p := range []*Provider{{}, {MerchantID: "{env.TEST_SURELY_UNSET}"}, {MerchantID: "canary\x01"}} {
		if err := providertest.Provision(t, p); err == nil || !strings.Contains(err.Error(), "merchant_id") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
	if err := providertest.Provision(t, &Provider{MerchantID: "x", Unit: "dollar"}); err == nil || !strings.Contains(err.Error(), "unit") {
		t.Errorf("%v", err)
	}
	tr := payment.TermsOf(provider(t, "", 0, sandboxed))
	if tr.Issuer != "zarinpal|"+payment.AccountID("zarinpal", sampleKey)+"|sandbox" || tr.Environment != "sandbox" || tr.Window != 0 || tr.GivesBack {
		t.Errorf("%+v", tr)
	}
}

func TestJSON(t *testing.T) {
	got := providertest.RoundTrip(t, new(Provider), `zarinpal {
		merchant_id {env.K}
		sandbox on
		unit toman
		timeout 3s
		base_url https://x.example
		pay_url https://y.example
		insecure_http
	}`)
	if want := `{"base_url":"https://x.example","timeout":3000000000,"insecure_http":true,"pay_url":"https://y.example","merchant_id":"{env.K}","sandbox":true,"unit":"toman"}`; got != want {
		t.Errorf("%s", got)
	}
}
