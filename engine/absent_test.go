package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// grace is how long a payment that is known to be paid waits for its customer.
const grace = 60 * time.Second

// careful is the policy of a shop to which nothing is handed over without its customer.
var careful = engine.Policy{Once: true, Park: true}

// comesBack is a browser that comes now: handed says whether it was handed over in person.
func (w *world) comesBack() (handed bool) {
	w.t.Helper()
	res := w.Admit(w.t.Context(), w.ask())
	if res.Kind != engine.Verified {
		return false
	}
	rec, err := w.deliver(res.Record.Ref, engine.Handed{Acked: true, Status: 200})
	if err != nil {
		w.t.Errorf("handed over in person: %v", err)
	}
	return rec.State == payment.Delivered && rec.Delivery.Via == payment.ViaBrowser
}

// wantWithout checks what became of a payment whose customer came too late.
func (w *world) wantWithout(ref payment.Ref, p engine.Policy) {
	w.t.Helper()
	if !p.Park {
		if r := w.wantState(ref, payment.Delivered); r.Delivery.Via != payment.ViaWorker {
			w.t.Errorf("via %s", r.Delivery.Via)
		}
		return
	}
	if r := w.wantState(ref, payment.Parked); r.Reason != payment.ReasonAbsent || w.shop.count() != 0 {
		w.t.Errorf("%q, %d deliveries", r.Reason, w.shop.count())
	}
}

// Rule 8: a customer who comes within a minute after anybody else has learned of the payment
// is handed over in person, whoever that was; one who comes later is not, and what is parked
// stays with its person.
func TestRule8ACustomerWhoReadsTheReceipt(t *testing.T) {
	t.Parallel()
	program := func(w *world) {
		time.Sleep(70 * time.Second)
		a := w.ask()
		a.Return.Machine = true
		if res := w.Admit(w.t.Context(), a); res.Kind != engine.Verified {
			w.t.Errorf("the program: %v", res.Kind)
		}
	}
	for name, c := range map[string]struct {
		inquiry []payment.Answer
		script  []payment.Answer
		learns  func(*world)
	}{
		"the worker inquires": {inquiry: []payment.Answer{{Outcome: payment.OutcomeAwaiting}}, learns: func(*world) { time.Sleep(61 * time.Second) }},
		"the worker inquires again": {
			inquiry: []payment.Answer{{Outcome: payment.OutcomeOpen}, {Outcome: payment.OutcomeAwaiting}}, learns: func(*world) { time.Sleep(301 * time.Second) },
		},
		"the worker verifies": {learns: func(*world) { time.Sleep(241 * time.Second) }},
		"a person asks": {learns: func(w *world) {
			time.Sleep(10 * time.Second)
			if _, err := w.Check(w.t.Context(), w.record(w.ref).Ref); err != nil {
				w.t.Error(err)
			}
		}},
		"a program comes": {learns: program},
		"the worker after a program": {
			script: []payment.Answer{{}, paid(payment.OutcomePaid)}, learns: func(w *world) {
				a := w.ask()
				a.Return.Machine = true
				w.Admit(w.t.Context(), a)
				time.Sleep(2500 * time.Millisecond)
			},
		},
	} {
		for _, p := range []engine.Policy{careful, {Once: true}, {}} {
			for _, after := range []time.Duration{0, time.Second, grace - 10*time.Second, grace - 3*time.Second, grace + 3*time.Second, 5 * time.Minute} {
				t.Run(name+", "+after.String(), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, func(w *world) {
							if w.shop.policy, w.bank.inquiry = p, c.inquiry; c.script != nil {
								w.bank.script = c.script
							}
						})
						defer w.halt()
						w.ref = w.announce().Ref
						c.learns(w)
						w.wantState(w.ref, payment.Verified)
						time.Sleep(after)
						if handed := w.comesBack(); handed != (after < grace) {
							t.Errorf("handed over in person: %t", handed)
						}
						if after > grace {
							w.wantWithout(w.ref, p)
						}
					})
				})
			}
		}
	}
}

// Rules 7 and 8: a shop that has certainly taken nothing may be back in minutes. Until then
// its customer has ten minutes to come again, anew after each such answer, for three days in
// all; a person hears of one who does not.
func TestRule8ACustomerOfAShopThatIsDown(t *testing.T) {
	t.Parallel()
	const pause = 10 * time.Minute
	for name, c := range map[string]struct {
		comes []time.Duration // after each other
		state payment.State
		why   payment.Reason
	}{
		"soon":                  {[]time.Duration{0, 80 * time.Second}, payment.Delivered, ""},
		"just in time":          {[]time.Duration{0, pause - 2*time.Second}, payment.Delivered, ""},
		"too late":              {[]time.Duration{0, pause + 2*time.Second}, payment.Parked, payment.ReasonAbsent},
		"again and again":       {[]time.Duration{0, pause - 2*time.Second, pause - 2*time.Second, pause - 2*time.Second}, payment.Delivered, ""},
		"again, and then late":  {[]time.Duration{0, pause - 2*time.Second, pause + 2*time.Second}, payment.Parked, payment.ReasonAbsent},
		"for longer than three": {make([]time.Duration, 3*24*8+2), payment.Parked, payment.ReasonUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.shop.policy = careful })
				defer w.halt()
				ref := w.announce().Ref
				for n, after := range c.comes {
					if c.why == payment.ReasonUnreachable && n > 0 {
						after = pause - time.Minute
					}
					time.Sleep(after)
					down := c.why == payment.ReasonUnreachable || n < len(c.comes)-1
					if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
						break
					}
					if _, err := w.deliver(ref, engine.Handed{Unsent: down, Acked: !down}); err != nil {
						t.Fatal(err)
					}
				}
				if r := w.wantState(ref, c.state); r.Reason != c.why || w.shop.count() != 0 {
					t.Errorf("%q, %d deliveries by the worker", r.Reason, w.shop.count())
				}
			})
		})
	}
}

// A person who has a payment handed over hears within about a minute that the shop could not
// be reached: that is no customer who comes again.
func TestRule8APersonsHandOverToAShopThatIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.shop.policy, w.shop.answers = careful, []engine.Handed{{Unsent: true}} })
		defer w.halt()
		ref := w.announce().Ref
		w.Admit(t.Context(), w.ask())
		time.Sleep(2 * time.Minute)
		r := w.wantState(ref, payment.Parked)
		if _, err := w.Decide(t.Context(), ref, r.Version, payment.DecideRedeliver, payment.Note{By: "me"}); err != nil {
			t.Fatal(err)
		}
		w.wantState(ref, payment.Verified)
		time.Sleep(63 * time.Second)
		if w.wantState(ref, payment.Parked); w.events.alerts(engine.EventParked) != 2 {
			t.Errorf("%d alerts", w.events.alerts(engine.EventParked))
		}
	})
}

// downtime is a ledger that fails now and then.
type downtime struct {
	*memory.Store
	unread, unwritten atomic.Bool
}

var errDown = errors.New("the database does not answer")

func (d *downtime) Due(ctx context.Context, t time.Time, limit int) ([]payment.Ref, error) {
	if d.unread.Load() {
		return nil, errDown
	}
	return d.Store.Due(ctx, t, limit)
}

func (d *downtime) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	if d.unread.Load() {
		return nil, errDown
	}
	return d.Store.Get(ctx, ref)
}

func (d *downtime) Ready() error {
	if d.unwritten.Load() {
		return errDown
	}
	return d.Store.Ready()
}

func (d *downtime) Commit(ctx context.Context, c payment.Change) error {
	if d.unwritten.Load() {
		return errDown
	}
	return d.Store.Commit(ctx, c)
}

// fails lets the ledger of a world fail for d, in which a customer comes or not.
func fails(unread, unwritten, comes bool, d time.Duration) func(*world) {
	return func(w *world) {
		w.down.unread.Store(unread)
		w.down.unwritten.Store(unwritten)
		if comes {
			if res := w.Admit(w.t.Context(), w.ask()); res.Kind == engine.Verified {
				if _, err := w.deliver(res.Record.Ref, engine.Handed{Acked: true}); err == nil {
					w.t.Error("handed over without the ledger")
				}
			}
		}
		time.Sleep(d)
		w.down.unread.Store(false)
		w.down.unwritten.Store(false)
		time.Sleep(20 * time.Second) // the worker looks again
	}
}

// Rule 8: time in which no customer could come is not counted against the customer.
func TestRule8ACustomerWhoCouldNotCome(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*world){
		"the site was away": func(w *world) {
			w.shop.leave(4*time.Minute + 30*time.Second)
			time.Sleep(5*time.Minute + 2*time.Second)
		},
		"Caddy was down": func(w *world) {
			w.halt()
			time.Sleep(5 * time.Minute)
			w.start(w.store.Restart())
			time.Sleep(time.Second)
		},
		"the ledger didn't answer":                      fails(true, true, false, 5*time.Minute),
		"the ledger didn't answer when its time came":   fails(true, true, false, 59*time.Second),
		"the ledger could only be read":                 fails(false, true, false, 5*time.Minute),
		"the ledger could only be read, a customer saw": fails(false, true, true, 5*time.Minute),
	} {
		for _, after := range []time.Duration{0, grace - 25*time.Second, grace + 25*time.Second} {
			t.Run(name+", "+after.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(w *world) {
						w.shop.policy = careful
						w.ledger = func(s *memory.Store) payment.Store { w.down.Store = s; return &w.down }
					})
					defer func() { w.halt() }()
					ref := w.announce().Ref
					w.Admit(t.Context(), w.ask())
					time.Sleep(2 * time.Second)
					away(w)
					if r := w.wantState(ref, payment.Verified); r.Reason != "" {
						t.Errorf("it still waits: %q", r.Reason)
					}
					time.Sleep(after)
					if handed := w.comesBack(); handed != (after < grace) {
						t.Errorf("handed over in person: %t", handed)
					}
					if after > grace {
						w.wantWithout(ref, careful)
						if _, err := w.deliver(ref, engine.Handed{Acked: true}); !errors.Is(err, engine.ErrNotNow) {
							t.Errorf("a later browser: %v", err)
						}
					}
				})
			})
		}
	}
}
