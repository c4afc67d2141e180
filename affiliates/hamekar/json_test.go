package hamekar

import (
	"testing"

	"github.com/rahgir/caddy-payments/providers/providertest"
)

func TestJSON(t *testing.T) {
	got := providertest.RoundTrip(t, new(Affiliate), `hamekar {
		store_token {env.K}
		proxy_url {env.P}
	}`)
	if want := `{"proxy_url":"{env.P}","store_token":"{env.K}"}`; got != want {
		t.Errorf("%s", got)
	}
}
