package payment

import (
	"testing"
	"time"
)

// What a verify settles that was asked after the shop wanted the money back isn't back. If it
// was on its way already, the money may be back, and nobody is told that it was paid.
func TestSettledBesideAGiveBack(t *testing.T) {
	wished := time.Unix(1000, 0)
	for after, told := range map[time.Duration]bool{-time.Minute: false, -time.Nanosecond: false, 0: false, time.Nanosecond: true, time.Minute: true} {
		r := &Record{State: Verified, Relay: &Relayed{GivingBack: wished}, Receipt: &Receipt{}}
		r.SettledSince(wished.Add(after))
		if r.Tellable() != told || r.BackPending() == told {
			t.Errorf("asked %s after the wish: tellable %v, pending %v", after, r.Tellable(), r.BackPending())
		}
	}
}
