package wire

import (
	"slices"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// TestIdentify: no address, no scheme and no port is part of an issuer, and what
// earlier versions made of them is remembered as a former name.
func TestIdentify(t *testing.T) {
	issuers := map[string]bool{}
	for _, address := range []string{"https://x.example", "https://x.example:8443/p", "http://localhost:1/y", "https://api.example"} {
		b, err := ParseBase("base_url", address, false)
		if err != nil {
			t.Fatal(err)
		}
		tr := Identify(payment.Traits{Environment: payment.Live}, "p", NewSecret("k"), b, "https://api.example")
		issuers[tr.Issuer] = true
		if !slices.Contains(tr.FormerIssuers, "p|"+b.Identity()+"|live") || !slices.Contains(tr.FormerIssuers, "p|api.example|live") ||
			len(tr.FormerIssuers) > 2 || tr.Host != tr.FormerIssuers[0] {
			t.Errorf("%s: %+v", address, tr)
		}
		if sandbox := Identify(payment.Traits{Environment: payment.Sandbox}, "p", NewSecret("k"), b, ""); issuers[sandbox.Issuer] || len(sandbox.FormerIssuers) != 1 {
			t.Errorf("%s: %+v", address, sandbox)
		}
	}
	if len(issuers) != 1 {
		t.Errorf("one account has %d issuers: %v", len(issuers), issuers)
	}
}
