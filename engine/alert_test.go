package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// dying is an observer of a process that is killed between the commit that holds
// a payment for a person and the alert: it hears of nothing afterwards, and what
// waits for it never goes on.
type dying struct {
	name string
	over chan struct{}
}

func (d dying) Observe(e engine.Event) {
	if e.Name == d.name {
		<-d.over
	}
}

// INV3: whatever is held for a person, somebody is told of, also if the process
// dies between the commit and the alert.
func TestHeldIsToldByTheHeir(t *testing.T) {
	for name, c := range map[string]struct {
		answer payment.Answer
		event  string
		state  payment.State
	}{
		"parked": {paid(payment.OutcomePaid), engine.EventParked, payment.Parked},
		"review": {paid(payment.OutcomeAgain), engine.EventReview, payment.Review},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				over := make(chan struct{})
				w := newWorld(t, func(w *world) { w.shop.policy = engine.Policy{Once: true} })
				w.bank.play(c.answer)
				w.halt()
				// The one that dies.
				dead, err := engine.New(context.Background(), engine.Config{
					Store: w.store, Sites: w.shop, Observer: dying{c.event, over}, Rand: func() float64 { return 0.5 },
					Providers: map[string]engine.Provider{"idpay": {Provider: w.bank, Timeout: 8 * time.Second}},
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx := context.Background()
				var ref payment.Ref
				if c.state == payment.Review {
					go dead.Admit(ctx, w.stranger("K1", "101"))
				} else {
					ref = w.announce().Ref
					if r := dead.Admit(ctx, w.ask()); r.Kind != engine.Verified {
						t.Fatalf("%s %v", r.Kind, r.Err)
					}
					go func() {
						_, _ = dead.Deliver(ctx, w.record(ref), w.byBrowser(), func(context.Context, *payment.Record) engine.Handed { return engine.Handed{Status: 500} })
					}()
				}
				time.Sleep(time.Second)
				page, err := w.store.List(ctx, payment.Listing{ID: "K1"})
				if err != nil || len(page.Records) != 1 || page.Records[0].State != c.state {
					t.Fatalf("%+v %v", page, err)
				}
				// Its heir.
				w.start(w.store)
				time.Sleep(5 * time.Minute)
				if n := w.events.alerts(c.event); n != 1 {
					t.Errorf("a person was told %d times", n)
				}
				w.halt()
				close(over)
				synctest.Wait()
			})
		})
	}
}
