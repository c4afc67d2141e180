package wire

import (
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// TestIdentify: no address, no scheme and no port is part of an issuer.
func TestIdentify(t *testing.T) {
	issuers := map[string]bool{}
	for _, address := range []string{"https://x.example", "https://x.example:8443/p", "http://localhost:1/y", "https://api.example"} {
		b, err := ParseBase("base_url", address, false)
		if err != nil {
			t.Fatal(err)
		}
		tr := Identify(payment.Traits{Environment: payment.Live}, "p", NewSecret("k"), b)
		issuers[tr.Issuer] = true
		if tr.Host != "p|"+b.Identity()+"|live" {
			t.Errorf("%s: %+v", address, tr)
		}
		if sandbox := Identify(payment.Traits{Environment: payment.Sandbox}, "p", NewSecret("k"), b); issuers[sandbox.Issuer] {
			t.Errorf("%s: %+v", address, sandbox)
		}
	}
	if len(issuers) != 1 {
		t.Errorf("one account has %d issuers: %v", len(issuers), issuers)
	}
}
