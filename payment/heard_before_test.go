package payment_test

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// A payment that is settled after its shop has heard "first" waits for a person. No later ask
// hears "first".
func TestHeardBeforeItWasSettled(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_790_000_000, 0)
	r := &payment.Record{State: payment.Verified, Receipt: &payment.Receipt{}, Relay: &payment.Relayed{HeardAt: now}}
	if r.Tellable() {
		t.Fatal("what was heard is told again")
	}
	if err := r.HeardBefore(now, payment.Lease{Owner: "a", Until: now.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if r.State != payment.Parked || r.Reason != payment.ReasonTold || r.Tellable() || !r.Relay.Heard() {
		t.Errorf("%s %s, told again: %t", r.State, r.Reason, r.Tellable())
	}
}
