package engine_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// The ledger begins to refuse while a provider settles a payment: with `when_down forward`
// the shop hears "first", once, and no provider is asked a second time by the same call. Of
// several that ask together one hears it.
func TestForwardedAnswerThatCannotBeRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		why   error
		asks  int
		heard bool
		away  time.Duration
		state payment.State
	}{
		"full":               {payment.ErrFull, 1, true, time.Minute, payment.Delivered},
		"broken":             {payment.ErrBroken, 1, true, time.Minute, payment.Delivered},
		"for a moment":       {payment.ErrBroken, 1, true, 2 * time.Second, payment.Delivered},
		"for an hour":        {payment.ErrFull, 1, true, time.Hour, payment.Delivered},
		"several":            {payment.ErrFull, 5, true, time.Minute, payment.Delivered},
		"the shop has left":  {payment.ErrFull, 1, false, time.Minute, payment.Delivered},
		"several, and broke": {payment.ErrBroken, 5, true, time.Minute, payment.Delivered},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forwardWorld(t)
				defer w.halt()
				w.call("create", "")
				w.gate.mu.Lock()
				w.gate.took = 4 * time.Second
				w.gate.mu.Unlock()
				var mu sync.Mutex
				firsts, all := 0, sync.WaitGroup{}
				for range c.asks {
					all.Go(func() {
						change := []func(*engine.Relay){w.forwards(payment.RelayVerify)}
						if !c.heard {
							change = append([]func(*engine.Relay){unheard}, change...)
						}
						if h := w.call("verify", "K1", change...); isFirst(h) && c.heard {
							mu.Lock()
							firsts++
							mu.Unlock()
						}
					})
				}
				time.Sleep(time.Second)
				w.store.Break(c.why)
				time.Sleep(c.away)
				w.store.Break(nil)
				all.Wait()
				early := firsts
				time.Sleep(30 * time.Minute)
				if isFirst(w.call("verify", "K1")) {
					firsts++
				}
				r, asked := w.only(), 0
				for _, path := range w.gate.asked {
					if path == "verify" {
						asked++
					}
				}
				if c.heard && (early != 1 || asked > c.asks) || firsts > 1 || r.State != c.state || w.log.Any() {
					t.Errorf("%d firsts, %d of them at once; asked %d times; it is %s (%s), heard %v", firsts, early, asked, r.State, r.Reason, r.Relay.Heard())
				}
			})
		})
	}
}
