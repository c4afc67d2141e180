package invoice

import (
	"testing"

	"github.com/rahgir/caddy-payments/providers/providertest"
)

func TestJSON(t *testing.T) {
	got := providertest.RoundTrip(t, new(Provider), `invoice {
		base_url https://x.example
		api_key {env.K}
		used_ids none
		fee payer
	}`)
	if want := `{"base_url":"https://x.example","api_key":"{env.K}","used_ids":"none","fee":"payer"}`; got != want {
		t.Errorf("%s", got)
	}
}
