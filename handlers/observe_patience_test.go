package handlers

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// keepsWaiting is a provider whose owner wrote a time-out.
type keepsWaiting struct {
	payment.Provider
	written time.Duration
}

func (k keepsWaiting) RelayTimeout() time.Duration { return k.written }

// A customer who reloads the page while the gateway is slow waits longer than the plugin of the
// first page may be kept waiting, whatever its owner wrote.
func TestAReloadOutwaitsThePlugin(t *testing.T) {
	var silent struct{ payment.Provider }
	if got := pagePatience(silent); got <= payment.RelayPatience {
		t.Errorf("without a time-out: %s", got)
	}
	for _, written := range []time.Duration{time.Second, payment.RelayPatience, payment.RelayPatience + 1, time.Minute, 10 * time.Minute} {
		if got := pagePatience(keepsWaiting{written: written}); got <= written || got <= payment.RelayPatience {
			t.Errorf("with %s: %s", written, got)
		}
	}
}
