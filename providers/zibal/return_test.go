package zibal

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
	read := func(id, success, status string) (payment.Claimed, error) {
		m := map[string]string{"trackId": id, "success": success, "status": status, "orderId": "2211"}
		return new(Provider).ReadReturn(func(n string) string { return m[n] })
	}
	for in, want := range map[[2]string]payment.Hint{
		{"1", "2"}: payment.HintPaid, {"1", "1"}: payment.HintPaid, {"1", ""}: payment.HintPaid, {"۱", "۲"}: payment.HintPaid,
		{"0", "3"}: payment.HintUnpaid, {"0", "12"}: payment.HintUnpaid,
		// What doesn't agree, or isn't in the table, is asked about.
		{"0", "2"}: payment.HintNone, {"0", "1"}: payment.HintNone, {"1", "3"}: payment.HintNone, {"2", "2"}: payment.HintNone,
		{"0", "-1"}: payment.HintNone, {"0", "-2"}: payment.HintNone, {"0", ""}: payment.HintNone, {"", ""}: payment.HintNone, {"0", "99"}: payment.HintNone, {"0", "21"}: payment.HintNone,
	} {
		if c, err := read(sampleID, in[0], in[1]); err != nil || c != (payment.Claimed{ID: sampleID, Hint: want, Cancelled: in == [2]string{"0", "3"}}) {
			t.Errorf("%v: %+v, %v", in, c, err)
		}
	}
	for _, c := range [][4]string{
		{"", "1", "2", "trackId"}, {"01", "1", "2", "trackId"}, {"۱۲", "1", "2", "trackId"}, {"-5", "1", "2", "trackId"}, {"1234567890123456789", "1", "2", "trackId"},
		{sampleID, "true", "2", "success"}, {sampleID, "1", "2.0", "status"}, {sampleID, "1", "<x>", "status"}, {sampleID, "+1", "2", "success"},
	} {
		if _, err := read(c[0], c[1], c[2]); !errors.Is(err, payment.ErrMalformed) || !strings.HasSuffix(err.Error(), c[3]) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestPayPageOnBothHosts(t *testing.T) {
	live, io := provider(t, "", 0), provider(t, "https://gateway.zibal.io", 0)
	local := provider(t, "http://localhost:9101/zibal", 0)
	for _, c := range []struct {
		p       *Provider
		address string
		ok      bool
	}{
		{live, "https://gateway.zibal.ir/start/" + sampleID, true},
		{live, "https://gateway.zibal.io/start/" + sampleID, true},
		{io, "https://gateway.zibal.ir/start/" + sampleID + "/direct", true},
		{live, "http://gateway.zibal.ir/start/" + sampleID + "/?x=1", true},
		{local, "http://localhost:9101/zibal/start/" + sampleID, true},
		{local, "http://localhost:9101/zibal/start/" + sampleID + "/direct", true},
		{live, "https://gateway.zibal.ir/start/" + sampleID + "/other", false},
		{live, "https://gateway.zibal.ir/start/x", false},
		{live, "https://gateway.zibal.ir/start/", false},
		{live, "https://api.zibal.ir/start/" + sampleID, false},
		{live, "https://gateway.zibal.ir.evil.example/start/" + sampleID, false},
		{live, "/start/" + sampleID, false},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := c.p.PayPage(u); ok != c.ok || ok && id != sampleID {
			t.Errorf("%s: %q, %v", c.address, id, ok)
		}
	}
	if got := io.PageOf("5"); got != "https://gateway.zibal.io/start/5" {
		t.Errorf("browsers are sent to %s", got)
	}
}

func TestReturnParams(t *testing.T) {
	p := new(Provider)
	if got := p.ReturnParams(&payment.Record{ID: sampleID}); !reflect.DeepEqual(got, map[string]string{"trackId": sampleID, "cardNumber": "", "hashedCardNumber": ""}) {
		t.Errorf("%v", got)
	}
	got := p.ReturnParams(&payment.Record{ID: sampleID, Order: "2211", Receipt: &payment.Receipt{Card: "627412******4422"}})
	want := map[string]string{"trackId": sampleID, "orderId": "2211", "success": "1", "status": "2", "cardNumber": "627412******4422", "hashedCardNumber": ""}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestConfig(t *testing.T) {
	var p Provider
	if err := p.UnmarshalCaddyfile(caddyfile.NewTestDispenser("zibal {\nsandbox\n}")); err != nil || !p.Sandbox {
		t.Errorf("%+v, %v", p, err)
	}
	for input, want := range map[string]string{
		"zibal":                                    "merchant is not usable: it is missing",
		"zibal {\nmerchant zibal\n}":               "write `sandbox on`",
		"zibal {\nmerchant_id {env.X}\n}":          "did you mean 'merchant'",
		"zibal {\nsandbox maybe\n}":                "on or off",
		"zibal {\nmerchant {env.X}\nunit toman\n}": "unrecognised option 'unit'",
	} {
		if err := new(Provider).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", input, err)
		}
	}
	t.Setenv("TEST_ZIBAL_BOX", "zibal")
	for _, p := range []*Provider{{}, {Merchant: "{env.TEST_SURELY_UNSET}"}, {Merchant: "canary\x01"}, {Merchant: "{env.TEST_ZIBAL_BOX}"}} {
		if err := providertest.Provision(t, p); err == nil || !strings.Contains(err.Error(), "merchant") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
	if tr := payment.TermsOf(provider(t, "", 0, sandboxed)); tr.Issuer != "zibal|"+payment.AccountID("zibal", "zibal")+"|sandbox" || tr.Environment != "sandbox" || tr.Window != 0 || tr.GivesBack {
		t.Errorf("%+v", tr)
	}
}

func TestJSON(t *testing.T) {
	got := providertest.RoundTrip(t, new(Provider), `zibal {
		merchant {env.K}
		sandbox on
		timeout 3s
		base_url https://x.example
		pay_url https://y.example
		insecure_http
	}`)
	if want := `{"base_url":"https://x.example","timeout":3000000000,"insecure_http":true,"pay_url":"https://y.example","merchant":"{env.K}","sandbox":true}`; got != want {
		t.Errorf("%s", got)
	}
}
