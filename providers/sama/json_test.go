package sama

import (
	"testing"

	"github.com/rahgir/caddy-payments/providers/providertest"
)

func TestJSON(t *testing.T) {
	got := providertest.RoundTrip(t, new(Provider), `sama {
		merchant_id {env.K}
		create off
	}`)
	if want := `{"merchant_id":"{env.K}","create":"off"}`; got != want {
		t.Errorf("%s", got)
	}
}
