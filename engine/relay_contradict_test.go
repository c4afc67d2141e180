package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// An inquiry, or a list, that comes while the shop is being told "first" never contradicts what
// it has heard: the answer waits until that is on record. Where nobody heard it, the payment
// is as before its verify. Where the telling doesn't end, the shop may have heard it.
func TestNoInquiryContradictsFirst(t *testing.T) {
	for name, c := range map[string]struct {
		takes   time.Duration // until the last byte was sent, or the asker was gone
		commits time.Duration // until the end of the telling is on record
		heard   bool
		waiting bool // the payment is told of as not verified
	}{
		"at once":                       {0, 0, true, false},
		"its end is not on record yet":  {0, time.Second, true, false},
		"the answer is long":            {time.Second, time.Second, true, false},
		"the asker is gone":             {time.Second, time.Second, false, true},
		"gone, just before we give up":  {2900 * time.Millisecond, 0, false, true},
		"gone, after we have given up":  {3200 * time.Millisecond, 0, false, false},
		"it is told for half a minute":  {29 * time.Second, 0, true, false},
		"gone after half a minute":      {29 * time.Second, 0, false, false},
		"heard, and written later than": {0, 10 * time.Second, true, false},
	} {
		for _, settledBefore := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var gate *masking
					w := newRelayWorld(t, func(w *relayWorld) {
						gate = &masking{relayBank: w.gate}
						w.listing = gate
					})
					defer w.halt()
					w.onCommit = func(ch payment.Change) {
						if l := ch.Record.Relay; l != nil && l.Told.Epoch > 0 && !l.Open() {
							time.Sleep(c.commits)
						}
					}
					w.call("create", "")
					if settledBefore {
						w.gate.lose = 1
						w.callFor("verify", "K1", time.Second)
						time.Sleep(5 * time.Second)
						if r := w.only(); r.State != payment.Verified {
							t.Fatal(r.State)
						}
					}
					asked, listed := make(chan heard, 1), make(chan struct{})
					h := w.call("verify", "K1", func(r *engine.Relay) {
						say := r.Say
						r.Say = func(reply payment.RelayReply) bool {
							say(reply)
							go func() { asked <- w.call("inquire", "K1") }()
							go func() { w.call("list", ""); close(listed) }()
							time.Sleep(c.takes)
							return c.heard
						}
					})
					if !isFirst(h) {
						t.Fatalf("%+v", h)
					}
					got := <-asked
					<-listed
					if (got.body == "awaiting") != c.waiting || (gate.masked == 1) != c.waiting {
						t.Errorf("inquiry: %q, masked: %d, want unverified: %v", got.body, gate.masked, c.waiting)
					}
				})
			})
		}
	}
}
