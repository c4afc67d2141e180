package idpay

import (
	"testing"

	"github.com/rahgir/caddy-payments/providers/providertest"
)

func TestJSON(t *testing.T) {
	got := providertest.RoundTrip(t, new(Provider), `idpay {
		api_key {env.K}
		sandbox on
		timeout 3s
		base_url https://x.example
		pay_url https://y.example
		insecure_http
	}`)
	if want := `{"base_url":"https://x.example","timeout":3000000000,"insecure_http":true,"pay_url":"https://y.example","api_key":"{env.K}","sandbox":true}`; got != want {
		t.Errorf("%s", got)
	}
}
