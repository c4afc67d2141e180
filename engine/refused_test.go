package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

func (w *world) traces() []*payment.Record {
	w.t.Helper()
	page, err := w.store.List(w.t.Context(), payment.Listing{States: []payment.State{payment.Declined}, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Records
}

// What is refused before any money is asked about has an event with its true
// reason and a trace that a list finds; it stands in no later payment's way, and is
// forgotten in the end.
func TestWhatIsRefusedLeavesATrace(t *testing.T) {
	t.Parallel()
	for _, reason := range []payment.Reason{payment.ReasonUnannounced, payment.ReasonUnusable, payment.ReasonUnknownOrder, payment.ReasonPaidBefore, payment.ReasonStray, payment.ReasonForeign, payment.ReasonOrderPaid, payment.ReasonCalledPaid} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.tick = time.Hour })
			defer w.halt()
			if reason == payment.ReasonUnannounced {
				res := w.Admit(t.Context(), w.ask())
				if res.Kind != engine.Foreign || res.Record != nil || !errors.Is(res.Err, engine.ErrUnannounced) || errors.Is(res.Err, engine.ErrForeign) {
					t.Fatalf("%+v", res)
				}
			} else {
				w.Refused(t.Context(), engine.Refusal{Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Reason: reason, Client: "192.0.2.1"})
			}
			list := w.traces()
			if len(list) != 1 || list[0].Reason != reason || list[0].ID != "K1" || list[0].Order != "101" || list[0].Return != nil || w.events.alerts(eventName(reason)) != 1 {
				t.Fatalf("%s: %+v", reason, list)
			}
			w.events.mu.Lock()
			for _, ev := range w.events.list {
				if ev.Name == eventName(reason) && (ev.ID != "K1" || ev.Order != "101" || ev.Site != "shop" || ev.Provider != "idpay" || ev.Reason != reason || ev.Err == nil) {
					t.Errorf("%+v", ev)
				}
			}
			w.events.mu.Unlock()
			// The very same payment, announced a moment later and paid.
			rec := w.announce()
			if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified || res.Record.Ref != rec.Ref {
				t.Fatalf("%s: then %+v", reason, res)
			}
			time.Sleep(31 * 24 * time.Hour)
			if list := w.traces(); len(list) != 0 {
				t.Errorf("%s: after a month %+v", reason, list[0])
			}
		})
	}
}

func eventName(r payment.Reason) string {
	return map[payment.Reason]string{
		payment.ReasonUnannounced: engine.EventUnannounced, payment.ReasonUnusable: engine.EventUnusable, payment.ReasonUnknownOrder: engine.EventUnknownOrder,
		payment.ReasonPaidBefore: engine.EventPaidBefore, payment.ReasonStray: engine.EventUnrouted, payment.ReasonForeign: engine.EventForeign,
		payment.ReasonOrderPaid: engine.EventPaidBefore, payment.ReasonCalledPaid: engine.EventPaidBefore,
	}[r]
}

// Whatever the shop's look-up says of a return that claims paid, if it is dropped for that, an event and
// the list name its order, its id and why: asked about at once, in its turn by the worker, or after
// the shop had been silent. Nothing is verified, and what the shop corrects is taken.
func TestWhatALookUpDropsLeavesATrace(t *testing.T) {
	t.Parallel()
	whys := map[error]payment.Reason{
		engine.ErrUnknownOrder: payment.ReasonUnknownOrder, engine.ErrForeign: payment.ReasonForeign,
		engine.ErrOrderPaid: payment.ReasonCalledPaid, engine.ErrPaidHere: payment.ReasonCalledPaid,
	}
	for says, why := range whys {
		for _, wrapped := range []bool{false, true} {
			for _, crowd := range []int{0, 1, 30} {
				for _, silent := range []bool{false, true} {
					synctest.Test(t, func(t *testing.T) {
						var mu sync.Mutex
						answer := says
						answers := func(err error) {
							mu.Lock()
							defer mu.Unlock()
							if answer = err; wrapped && err != nil {
								answer = fmt.Errorf("the look-up: %w", err)
							}
						}
						if answers(says); silent {
							answers(engine.ErrUnanswered)
						}
						price := func(id, order string) (payment.Expectation, error) {
							if order != "101" {
								return payment.Expectation{}, engine.ErrUnknownOrder
							}
							mu.Lock()
							defer mu.Unlock()
							return payment.Expectation{Amount: 50000, Source: payment.FromLookup, Unconsumed: true}, answer
						}
						w := newWorld(t, func(w *world) { w.shop.priced, w.tick = price, 10*time.Second })
						defer w.halt()
						look := func(client, id, order string) engine.Result {
							a := w.stranger(id, order)
							a.Client, a.Asks = client, true
							a.Expect = func(_ context.Context, id string) (payment.Expectation, error) { return price(id, order) }
							return w.Admit(t.Context(), a)
						}
						for i := range crowd { // before it come others', so that it waits for its turn
							look("198.51.100.7", fmt.Sprint("X", i), fmt.Sprint("none", i))
						}
						look("198.51.100.7", "K1", "101")
						answers(says)
						time.Sleep(30 * time.Minute)
						page, err := w.store.List(t.Context(), payment.Listing{ID: "K1", Limit: 10})
						if err != nil || len(page.Records) != 1 || page.Records[0].State != payment.Declined || page.Records[0].Reason != why || page.Records[0].Order != "101" {
							t.Fatalf("%v, %d before it, silent first: %v: %+v %v", says, crowd, silent, page.Records, err)
						}
						told := 0
						w.events.mu.Lock()
						for _, ev := range w.events.list {
							if ev.Name == eventName(why) && ev.Alert && ev.ID == "K1" && ev.Order == "101" && ev.Site == "shop" && ev.Provider == "idpay" && ev.Reason == why && errors.Is(ev.Err, says) {
								told++
							}
						}
						w.events.mu.Unlock()
						if told != 1 || w.bank.verifies() != 0 {
							t.Errorf("%v, %d before it, silent first: %v: told %d times, %d verifies", says, crowd, silent, told, w.bank.verifies())
						}
						answers(nil)
						if res := look("203.0.113.9", "K1", "101"); res.Kind != engine.Verified {
							t.Errorf("%v, %d before it, silent first: %v: corrected, it is %s: %v", says, crowd, silent, res.Kind, res.Err)
						}
					})
				}
			}
		}
	}
}

// A second payment of a paid order that is dropped leaves a trace like any other claim.
func TestASecondPaymentLeavesATrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		if res := w.Admit(t.Context(), w.signed("idpay", "K1", "101")); res.Kind != engine.Verified {
			t.Fatalf("%+v", res)
		}
		verifies := w.bank.verifies()
		for range 2 { // the customer looks again
			if res := w.Admit(t.Context(), w.signed("idpay", "K2", "101")); res.Kind != engine.OrderPaid {
				t.Fatalf("%+v", res)
			}
		}
		list := w.traces()
		if len(list) != 1 || list[0].ID != "K2" || list[0].Order != "101" || list[0].Reason != payment.ReasonOrderPaid || w.events.alerts(engine.EventPaidBefore) != 2 || w.bank.verifies() != verifies {
			t.Errorf("%+v, %d alerts, %d verifies", list, w.events.alerts(engine.EventPaidBefore), w.bank.verifies()-verifies)
		}
	})
}

// Traces are bounded by client and in all; events are not. Each is worth an alert:
// whoever tells them makes one of those that have one cause.
func TestTracesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		ids := 0
		refuse := func(client string, n int) {
			for range n {
				ids++
				w.Refused(t.Context(), engine.Refusal{Site: "shop", Provider: "idpay", ID: fmt.Sprint(ids), Order: "1", Reason: payment.ReasonUnannounced, Client: client})
			}
		}
		for _, c := range []struct{ n, traces int }{{4, 4}, {1, 5}, {1, 5}, {500, 5}} {
			refuse("192.0.2.1", c.n)
			if got := len(w.traces()); got != c.traces {
				t.Errorf("%d traces", got)
			}
		}
		for i := range 500 {
			refuse(fmt.Sprint("198.51.100.", i), 1)
		}
		if got := len(w.traces()); got != 200 || w.events.alerts(engine.EventUnannounced) != ids {
			t.Errorf("%d traces, %d alerts", got, w.events.alerts(engine.EventUnannounced))
		}
		time.Sleep(61 * time.Minute)
		refuse("203.0.113.1", 1)
		if got := len(w.traces()); got != 201 {
			t.Errorf("an hour later %d", got)
		}
	})
}

// Where a question settles nothing, what nobody announced and is paid becomes a
// person's matter; giving it verifies first, if nobody has.
func TestAnUnannouncedPaymentThatIsPaidIsForAPerson(t *testing.T) {
	t.Parallel()
	receipt := func(o payment.Outcome, order string, amount payment.Rials) payment.Answer {
		return payment.Answer{Outcome: o, Receipt: &payment.Receipt{ID: "K1", Order: order, Amount: amount, Number: "77"}}
	}
	for name, c := range map[string]struct {
		inquiry, verify payment.Answer
		state           payment.State
		given           bool
		verifies        int
	}{
		"waiting, then verified":   {receipt(payment.OutcomeAwaiting, "101", 50000), receipt(payment.OutcomePaid, "101", 50000), payment.Review, true, 1},
		"waiting, then gone back":  {receipt(payment.OutcomeAwaiting, "101", 50000), payment.Answer{Outcome: payment.OutcomeClosed}, payment.Review, false, 1},
		"verified by somebody":     {receipt(payment.OutcomeAgain, "101", 50000), payment.Answer{}, payment.Review, true, 0},
		"not paid":                 {payment.Answer{Outcome: payment.OutcomeOpen}, payment.Answer{}, payment.Declined, false, 0},
		"of another order":         {receipt(payment.OutcomeAwaiting, "102", 50000), payment.Answer{}, payment.Declined, false, 0},
		"of no amount":             {receipt(payment.OutcomeAwaiting, "101", 0), payment.Answer{}, payment.Declined, false, 0},
		"no answer to the inquiry": {payment.Answer{}, payment.Answer{}, payment.Declined, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.bank.inquiry, w.bank.script = []payment.Answer{c.inquiry}, []payment.Answer{c.verify}
				})
				defer w.halt()
				w.bank.unmarked = true
				w.Admit(t.Context(), w.ask())
				time.Sleep(10 * time.Second)
				page, err := w.store.List(t.Context(), payment.Listing{ID: "K1"})
				if err != nil || len(page.Records) != 1 || page.Records[0].State != c.state || page.Records[0].Reason != payment.ReasonUnannounced {
					t.Fatalf("%+v, %v", page.Records[0], err)
				}
				if c.state != payment.Review {
					return
				}
				r := page.Records[0]
				_, err = w.Decide(t.Context(), r.Ref, r.Version, payment.DecideAccept, payment.Note{By: "me"})
				if (err == nil) != c.given || w.bank.verifies() != c.verifies {
					t.Errorf("given: %v, after %d verifies", err, w.bank.verifies())
				}
			})
		})
	}
}

// Meanwhile the shop has made it known: that record is decided about, and the provider isn't asked
// for the other one.
func TestAnUnannouncedPaymentThatIsOnRecordByNow(t *testing.T) {
	t.Parallel()
	for _, paid := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				rc := &payment.Receipt{ID: "K1", Order: "101", Amount: 50000, Number: "77"}
				w.bank.inquiry = []payment.Answer{{Outcome: payment.OutcomeAwaiting, Receipt: rc}}
			})
			defer w.halt()
			w.bank.unmarked = true
			w.Admit(t.Context(), w.ask())
			time.Sleep(10 * time.Second)
			page, err := w.store.List(t.Context(), payment.Listing{ID: "K1"})
			if err != nil || len(page.Records) != 1 || page.Records[0].State != payment.Review {
				t.Fatalf("%+v, %v", page.Records, err)
			}
			trace := page.Records[0]
			w.announce()
			if paid {
				w.Admit(t.Context(), w.ask())
			}
			before := w.bank.verifies()
			var taken *payment.TakenError
			if _, err := w.Decide(t.Context(), trace.Ref, trace.Version, payment.DecideAccept, payment.Note{By: "me"}); !errors.As(err, &taken) || w.bank.verifies() != before {
				t.Errorf("paid %v: %v, after %d verifies more", paid, err, w.bank.verifies()-before)
			}
		})
	}
}

// An announcement without a usable return address says so, is asked about once,
// and a person hears of it if it is paid.
func TestAnAnnouncementWithoutAReturnAddress(t *testing.T) {
	t.Parallel()
	for outcome, alerts := range map[payment.Outcome]int{payment.OutcomeAwaiting: 1, payment.OutcomeAgain: 1, payment.OutcomeOpen: 0} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				w.bank.inquiry = []payment.Answer{{Outcome: outcome, Receipt: &payment.Receipt{ID: "K1", Order: "101", Amount: 50000}}}
				w.tick = 10 * time.Second
			})
			defer w.halt()
			rec, err := w.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Amount: 50000})
			if err != nil || rec.Reason != payment.ReasonNoReturn {
				t.Fatalf("%+v, %v", rec, err)
			}
			time.Sleep(9*time.Minute + 30*time.Second)
			if _, n := w.bank.asked(); n != 1 || w.events.alerts(engine.EventUnclaimed) != alerts {
				t.Errorf("%d: %d inquiries, %d alerts", outcome, n, w.events.alerts(engine.EventUnclaimed))
			}
			time.Sleep(48 * time.Hour)
			if v, n := w.bank.asked(); n != 1 || v != 0 {
				t.Errorf("%d: %d verifies, %d inquiries", outcome, v, n)
			}
			if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
				t.Errorf("then its customer comes: %s", res.Kind)
			}
		})
	}
}

// An order that is paid is announced again: taken, told of, and seen in its record.
func TestAPaidOrderAnnouncedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		w.announce()
		w.Admit(t.Context(), w.ask())
		rec, err := w.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: "K2", Order: "101", Amount: 50000, Return: &payment.Return{URI: "/callback"}})
		if err != nil || rec.Reason != payment.ReasonPaidBefore || w.events.alerts(engine.EventPaidBefore) != 1 {
			t.Errorf("%+v, %v", rec, err)
		}
		if rec, err = w.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: "K3", Order: "101", Amount: 50000, Many: true, Return: &payment.Return{URI: "/callback"}}); err != nil || rec.Reason != "" {
			t.Errorf("an order that takes several: %+v, %v", rec, err)
		}
	})
}

// A made-up id of a paid order is asked for, recorded and answered like one of an
// unpaid order: a stranger learns of no order.
func TestAStrangerLearnsOfNoOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}
		w := newWorld(t, func(w *world) { w.bank.inquiry = []payment.Answer{no} })
		defer w.halt()
		w.announce()
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
			t.Fatalf("%s", res.Kind)
		}
		w.bank.play(no)
		look := func(id, order string) (engine.Kind, bool, bool, time.Duration, int) {
			v, n := w.bank.asked()
			start := time.Now()
			res := w.Admit(t.Context(), w.stranger(id, order))
			v2, n2 := w.bank.asked()
			return res.Kind, res.Record != nil, res.Bound, time.Since(start).Round(time.Second), v2 + n2 - v - n
		}
		kind, on, bound, took, calls := look("X1", "101")
		kind2, on2, bound2, took2, calls2 := look("X2", "999")
		if kind != kind2 || on != on2 || bound != bound2 || took != took2 || calls != calls2 {
			t.Errorf("a paid order: %s %v %v %s %d, an unpaid one: %s %v %v %s %d", kind, on, bound, took, calls, kind2, on2, bound2, took2, calls2)
		}
		// A genuine second payment is found out without being taken.
		w.bank.tell(payment.Answer{Outcome: payment.OutcomeAwaiting, Receipt: &payment.Receipt{ID: "K2", Order: "101", Amount: 50000}})
		before := w.bank.verifies()
		if res := w.Admit(t.Context(), w.stranger("K2", "101")); res.Kind != engine.OrderPaid || w.bank.verifies() != before {
			t.Errorf("%s after %d verifies", res.Kind, w.bank.verifies()-before)
		}
		time.Sleep(time.Hour)
		if n := w.bank.verifies(); n != before {
			t.Errorf("the worker verifies a second payment (%d)", n-before)
		}
	})
}
