package handlers

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A customer who reloads waits longer than the first page may take, and than its plugin waits for
// the gateway.
func TestAReloadOutwaitsThePage(t *testing.T) {
	for what, most := range map[string]time.Duration{"a page": engine.PageLimit, "a delivery": engine.DeliveryTime, "a gateway": payment.RelayPatience} {
		if most >= pagePatience {
			t.Errorf("%s may take %s, and a reload waits %s", what, most, pagePatience)
		}
	}
}
