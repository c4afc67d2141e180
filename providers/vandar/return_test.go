package vandar

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

// OK and FAILED are the only words that are known; any other is asked about.
func TestReadReturn(t *testing.T) {
	read := func(token, status string) (payment.Claimed, error) {
		m := map[string]string{"token": token, "payment_status": status}
		return new(Provider).ReadReturn(func(n string) string { return m[n] })
	}
	for status, want := range map[string]payment.Hint{
		"OK": payment.HintPaid, "FAILED": payment.HintUnpaid,
		"ok": payment.HintNone, "NOK": payment.HintNone, "Failed": payment.HintNone, "": payment.HintNone, "1": payment.HintNone, "OK ": payment.HintNone,
	} {
		if c, err := read(sampleToken, status); err != nil || c != (payment.Claimed{ID: sampleToken, Hint: want}) {
			t.Errorf("%q: %+v, %v", status, c, err)
		}
	}
	for _, token := range []string{"", "a b", "../x", "۱۲", "a.b", "a/b", strings.Repeat("a", 129)} {
		if _, err := read(token, "OK"); !errors.Is(err, payment.ErrMalformed) || !strings.HasSuffix(err.Error(), "token") {
			t.Errorf("%q: %v", token, err)
		}
	}
	if _, err := read(strings.Repeat("a", 128), "OK"); err != nil {
		t.Error(err)
	}
}

// The documented page, and those of version 3 and of older plugins.
func TestPayPages(t *testing.T) {
	live, local := provider(t, "", 0), provider(t, "http://localhost:9101/vandar", 0)
	for _, c := range []struct {
		p       *Provider
		address string
		ok      bool
	}{
		{live, "https://ipg.vandar.io/v4/" + sampleToken, true},
		{live, "https://ipg.vandar.io/v3/" + sampleToken, true},
		{live, "https://ipg.vandar.io/web/v4/" + sampleToken + "/", true},
		{local, "http://localhost:9101/vandar/v4/" + sampleToken, true},
		{live, "https://ipg.vandar.io/v2/" + sampleToken, false},
		{live, "https://ipg.vandar.io/v4/", false},
		{live, "https://ipg.vandar.io/v4/a.b", false},
		{live, "https://ipg.vandar.io/api/v4/send", false},
		{live, "https://vandar.io/v4/" + sampleToken, false},
		{local, "https://ipg.vandar.io/v4/" + sampleToken, false},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := c.p.PayPage(u); ok != c.ok || ok && id != sampleToken {
			t.Errorf("%s: %q, %v", c.address, id, ok)
		}
	}
}

func TestReturnParams(t *testing.T) {
	p := new(Provider)
	if got := p.ReturnParams(&payment.Record{ID: "t"}); !reflect.DeepEqual(got, map[string]string{"token": "t"}) {
		t.Errorf("%v", got)
	}
	if got := p.ReturnParams(&payment.Record{ID: "t", Receipt: &payment.Receipt{}}); !reflect.DeepEqual(got, map[string]string{"token": "t", "payment_status": "OK"}) {
		t.Errorf("%v", got)
	}
}

func TestConfig(t *testing.T) {
	for input, want := range map[string]string{
		"vandar":                                   "api_key is not usable: it is missing",
		"vandar {\napi_kye {env.X}\n}":             "did you mean 'api_key'",
		"vandar {\napi_key {env.X}\nfee shop\n}":   "merchant or payer",
		"vandar {\napi_key {env.X}\nsandbox on\n}": "unrecognised option 'sandbox'",
	} {
		if err := new(Provider).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", input, err)
		}
	}
	t.Setenv("TEST_VANDAR_ODD", "x")
	for _, p := range []*Provider{{}, {APIKey: "{env.TEST_SURELY_UNSET}"}, {APIKey: "canary\x01"}, {APIKey: "{env.TEST_VANDAR_ODD}", Fee: "shop"}} {
		if err := providertest.Provision(t, p); err == nil || !strings.HasPrefix(err.Error(), "vandar: ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
	tr := payment.TermsOf(provider(t, "", 0))
	if tr.Issuer != "vandar|"+payment.AccountID("vandar", sampleKey)+"|live" || tr.Window.Minutes() != 20 || tr.GivesBack || tr.AnswersOrder || tr.PayerFee != nil {
		t.Errorf("%+v", tr)
	}
	got := providertest.RoundTrip(t, new(Provider), `vandar {
		api_key {env.K}
		fee payer
		timeout 3s
		base_url https://x.example
		pay_url https://y.example
		insecure_http
	}`)
	if want := `{"base_url":"https://x.example","timeout":3000000000,"insecure_http":true,"pay_url":"https://y.example","api_key":"{env.K}","fee":"payer"}`; got != want {
		t.Errorf("%s", got)
	}
}
