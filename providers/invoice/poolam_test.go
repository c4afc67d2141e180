package invoice

import (
	"net/url"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

func poolam(t testing.TB, base string, timeout time.Duration, fee string) *Poolam {
	t.Helper()
	t.Setenv("TEST_INVOICE_KEY", sampleKey)
	p := &Poolam{Account: Account{APIKey: "{env.TEST_INVOICE_KEY}"}, Fee: fee}
	p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
	if err := providertest.Provision(t, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPoolamConformance(t *testing.T) {
	providertest.Run(t, suite(func(t testing.TB, base string, timeout time.Duration) payment.Provider {
		return poolam(t, base, timeout, "")
	}))
}

// What differs from another host of the script: the address and the fee.
func TestPoolam(t *testing.T) {
	p := poolam(t, "", 0, "")
	u, _ := url.Parse("https://poolam.ir/invoice/pay/" + sampleID)
	if id, ok := p.PayPage(u); !ok || id != sampleID || p.Elsewhere() != "" {
		t.Errorf("%q, %v, %q", id, ok, p.Elsewhere())
	}
	named := &Provider{Account: Account{APIKey: sampleKey}}
	named.BaseURL = "https://poolam.ir"
	if err := providertest.Provision(t, named); err != nil {
		t.Fatal(err)
	}
	if p.Traits().Issuer != named.Traits().Issuer {
		t.Errorf("one account has two issuers: %s, %s", p.Traits().Issuer, named.Traits().Issuer)
	}
	if p.Traits().PayerFee != nil {
		t.Error("a payer's fee that nobody asked for")
	}
	if fee := poolam(t, "", 0, feePayer).Traits().PayerFee; fee == nil || fee(50_000) != 5_000 || fee(49_999) != 500 {
		t.Error("the fee that Poolam publishes")
	}
	if err := providertest.Provision(t, &Poolam{Account: Account{APIKey: "x"}, Fee: "x"}); err == nil {
		t.Error("fee x")
	}
	got := providertest.RoundTrip(t, new(Poolam), "poolam {\napi_key {env.K}\nused_ids none\nfee payer\n}")
	if want := `{"api_key":"{env.K}","used_ids":"none","fee":"payer"}`; got != want {
		t.Errorf("%s", got)
	}
}
