package engine_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// account is a configuration's provider with an account of its own.
func account(b *bank, issuer string, former ...string) engine.Provider {
	traits := idpayTraits
	traits.Issuer, traits.Former = issuer, former
	return engine.Provider{Provider: struct {
		payment.Provider
		payment.Inquirer
	}{named{b, traits}, b}, Timeout: time.Second}
}

// refused is a bank that denies everything it is asked.
func refused(t *testing.T, w *world) *bank {
	no := payment.Answer{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID, Code: "-54"}
	return &bank{t: t, store: w.store, traits: idpayTraits, script: []payment.Answer{no}, inquiry: []payment.Answer{no}}
}

// Whatever has become of a payment, another account is never asked about it, and its customer
// never hears "not paid". With its own account back under any name, it is settled.
func TestAnotherAccountSaysNothing(t *testing.T) {
	t.Parallel()
	const was, is = "idpay|a|live", "idpay|b|live"
	for name, prepare := range map[string]func(r *payment.Record){
		"at the bank": func(*payment.Record) {},
		"the answer was lost": func(r *payment.Record) {
			r.State, r.Attempts = payment.Unknown, payment.Attempts{Count: 1, Unknown: 1, First: time.Now(), Last: time.Now(), Claimed: true}
		},
		"the process died while asking": func(r *payment.Record) {
			r.State, r.Attempts = payment.Verifying, payment.Attempts{Count: 1, Open: true, First: time.Now(), Last: time.Now(), Claimed: true}
		},
		"its own account said no": func(r *payment.Record) { r.State, r.Reason = payment.Declined, payment.ReasonNotPaid },
		"its window was closed":   func(r *payment.Record) { r.State, r.Reason = payment.Expired, payment.ReasonNotPaid },
	} {
		for _, back := range []string{"idpay", "other"} {
			t.Run(name+", back as "+back, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(w *world) { w.bank.echo = true })
					w.halt()
					no := refused(t, w)
					r := &payment.Record{Ref: payment.NewRef("shop", was, "K1", "101"), Site: "shop", Route: "/callback idpay", Provider: "idpay", Issuer: was, Environment: payment.Live,
						ID: "K1", Order: "101", State: payment.Created, Generation: 1, CreatedAt: time.Now(), UpdatedAt: time.Now(), Due: time.Now(),
						Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"},
						Expect: payment.Expectation{Amount: 50000, Source: payment.FromIntent}}
					prepare(r)
					before := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, was)})
					if _, err := before.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: "K0", Order: "100", Amount: 50000}); err != nil {
						t.Fatal(err) // the ledger has met the account
					}
					if err := w.store.Commit(t.Context(), payment.Change{Record: r, Take: []payment.Key{payment.IntentKey(was, "K1")}}); err != nil {
						t.Fatal(err)
					}
					changed := w.reconfigured(map[string]engine.Provider{"idpay": account(no, is)})
					for range 3 { // by our reference, by the provider's id
						for _, ref := range []payment.Ref{r.Ref, ""} {
							a := w.ask()
							a.Ref = ref
							if res := changed.Admit(t.Context(), a); res.Kind != engine.Pending || !res.Bound {
								t.Errorf("its customer is told %s, %v", res.Kind, res.Err)
							}
						}
						time.Sleep(2 * time.Minute)
						if _, err := changed.Sweep(t.Context()); err != nil {
							t.Fatal(err)
						}
						time.Sleep(time.Second)
					}
					if _, err := changed.Check(t.Context(), r.Ref); err == nil {
						t.Error("a person can have another account asked")
					}
					if verifies, inquiries := no.asked(); verifies+inquiries > 0 {
						t.Errorf("another account was asked %d times", verifies+inquiries)
					}
					rec := w.wantState(r.Ref, payment.Unknown)
					if rec.Reason != payment.ReasonNoAccount || rec.Issuer != was || w.events.alerts(engine.EventNoAccount) == 0 || !rec.NeedsPerson() || !rec.Waits() {
						t.Errorf("%s, of %s, %d alerts", rec.Reason, rec.Issuer, w.events.alerts(engine.EventNoAccount))
					}
					both := map[string]engine.Provider{"idpay": account(no, is)}
					both[back] = account(w.bank, was)
					again := w.reconfigured(both)
					time.Sleep(2 * time.Minute)
					if _, err := again.Sweep(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(2 * time.Minute)
					if rec := w.record(r.Ref); !rec.State.Captured() || rec.Issuer != was {
						t.Errorf("with its account back it is %s (%s)", rec.State, rec.Reason)
					}
				})
			})
		}
	}
}

// A key of the same account that was changed is declared, and answers for the old one.
func TestADeclaredKeyAnswersForTheOldOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const was, is = "idpay|a|live", "idpay|b|live"
		w := newWorld(t, func(w *world) { w.bank.echo = true })
		w.halt()
		before := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, was)})
		rec, err := before.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Amount: 50000, Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"}})
		if err != nil {
			t.Fatal(err)
		}
		undeclared := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, is)})
		if res := undeclared.Admit(t.Context(), w.ask()); res.Kind != engine.Pending || w.bank.verifies() != 0 {
			t.Fatalf("undeclared: %s, asked %d times", res.Kind, w.bank.verifies())
		}
		declared := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, is, was)})
		if res := declared.Admit(t.Context(), w.ask()); res.Kind != engine.Verified || w.record(rec.Ref).Issuer != is {
			t.Errorf("declared: %s, %v", res.Kind, res.Err)
		}
	})
}

// The block of an account gets another name, and its own name another account: a return is of
// the account that began it, whatever it is called, with our reference and without.
func TestAPaymentFollowsItsAccountNotItsName(t *testing.T) {
	t.Parallel()
	for _, byRef := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			const was, is = "idpay|a|live", "idpay|b|live"
			w := newWorld(t, func(w *world) { w.bank.echo = true })
			w.halt()
			no := refused(t, w)
			before := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, was)})
			rec, err := before.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", Route: "/callback idpay", ID: "K1", Order: "101", Amount: 50000, Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"}})
			if err != nil {
				t.Fatal(err)
			}
			after := w.reconfigured(map[string]engine.Provider{"idpay": account(no, is), "old": account(w.bank, was)})
			a := w.ask()
			if byRef {
				a.Ref = rec.Ref
			}
			res := after.Admit(t.Context(), a)
			if verifies, inquiries := no.asked(); res.Kind != engine.Verified || verifies+inquiries > 0 {
				t.Errorf("%s (%v), the new account was asked %d times", res.Kind, res.Err, verifies+inquiries)
			}
		})
	}
}

// What nobody could be asked about for three days is a person's, who can close it.
func TestAnOrphanEndsWithAPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.echo = true })
		w.halt()
		before := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, "idpay|a|live")})
		rec, err := before.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Amount: 50000, Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"}})
		if err != nil {
			t.Fatal(err)
		}
		after := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, "idpay|b|live")})
		after.Admit(t.Context(), w.ask())
		for passed, step := time.Duration(0), payment.Patience/2-time.Minute; passed <= payment.Patience+step; passed += step {
			want := payment.Unknown
			if passed > payment.Patience {
				want = payment.Review
			}
			if _, err := after.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if r := w.record(rec.Ref); r.State != want || r.Reason != payment.ReasonNoAccount {
				t.Errorf("after %s: %s (%s)", passed, r.State, r.Reason)
			}
			time.Sleep(step)
		}
		r := w.record(rec.Ref)
		if r, err = after.Decide(t.Context(), r.Ref, r.Version, payment.DecideReject, payment.Note{By: "p", Text: "nothing in the panel"}); err != nil || r.State != payment.Declined || r.Owed() {
			t.Errorf("%v %+v", err, r)
		}
	})
}

// A paid order that its shop has not confirmed waits for its route like any other, somebody
// is told, and with the route back it is handed over again.
func TestADeliveryWithoutARouteIsToldAndRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.shop.answers = []engine.Handed{{Status: 500}, {Acked: true, Status: 200}} })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Status: 500}); err != nil {
			t.Fatal(err)
		}
		w.wantState(rec.Ref, payment.Delivering)
		w.shop.leave(10 * time.Minute)
		time.Sleep(5 * time.Minute)
		r := w.wantState(rec.Ref, payment.Delivering)
		if r.Reason != payment.ReasonNoRoute || !r.NeedsPerson() || w.events.alerts(engine.EventMissed) != 1 || w.shop.count() != 0 {
			t.Errorf("%s, %d alerts, told %d times", r.Reason, w.events.alerts(engine.EventMissed), w.shop.count())
		}
		time.Sleep(10 * time.Minute)
		w.wantState(rec.Ref, payment.Delivered)
	})
}

// A return may carry our reference though the ledger has no record of it. In the ledger's first
// generation that return is foreign. In a later one the record was lost, and the customer is not refused.
func TestALostRecordIsNoForeignReturn(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.halt()
			var store payment.Store = w.store
			if lost {
				store = restored{w.store}
			}
			a := w.ask()
			a.Ref = payment.NewRef("shop", "gone", "K1", "101")
			unpaid := a
			unpaid.Claimed.Hint = payment.HintUnpaid
			if res := w.on(store).Admit(context.Background(), unpaid); res.Kind != engine.Declined {
				t.Errorf("a return that says so itself: %s", res.Kind)
			}
			res := w.on(store).Admit(context.Background(), a)
			page, err := w.store.List(t.Context(), payment.Listing{})
			if err != nil || len(page.Records) != 1 {
				t.Fatalf("%v, %d traces", err, len(page.Records))
			}
			want, why := engine.Foreign, payment.ReasonForeign
			if lost {
				want, why = engine.Review, payment.ReasonOldGeneration
			}
			if res.Kind != want || page.Records[0].Reason != why || page.Records[0].State != payment.Declined {
				t.Errorf("%s, trace %s", res.Kind, page.Records[0].Reason)
			}
		})
	}
}

// restored is a store of a later generation.
type restored struct{ payment.Store }

func (restored) Generation(context.Context) (payment.Generation, error) {
	return payment.Generation{Seq: 2, Start: time.Now()}, nil
}

// Through a relay the shop hears what the gateway says to its own call. A "no" of an account
// that did not begin the payment ends it in no ledger; with its account back it goes on.
func TestARelayedNoOfAnotherAccountEndsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		w.call("create", "")
		w.halt()
		was := w.bank.traits.Issuer
		w.bank.traits.Issuer = "zarinpal|another|live"
		w.gate.says(func(string) payment.RelayReply {
			return payment.RelayReply{Status: 200, Type: "application/json", Body: []byte(`{"code":-51,"x":0}`)}
		})
		w.run(w.store)
		if h := w.call("verify", "K1"); !strings.Contains(h.body, ":-51,") {
			t.Errorf("the shop heard %+v", h)
		}
		time.Sleep(10 * time.Minute)
		if r := w.only(); r.State != payment.Unknown || r.Reason != payment.ReasonNoAccount || r.Issuer != was || w.bank.inquired > 0 || len(w.gate.asked) != 2 {
			t.Errorf("%s (%s) of %s; asked %v, inquired %d times", r.State, r.Reason, r.Issuer, w.gate.asked, w.bank.inquired)
		}
		w.halt()
		w.bank.traits.Issuer = was
		w.gate.says(nil)
		w.run(w.store)
		defer w.halt()
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Errorf("with its account back the shop heard %+v", h)
		}
	})
}

// A path may get another gateway while customers of the former one are at its bank. Our own
// reference still finds their payment, and only its own account is asked. Without one, or in
// another environment, the return is not the payment's.
func TestAPathThatAnotherGatewayHasNow(t *testing.T) {
	t.Parallel()
	const was = "idpay|a|live"
	for name, c := range map[string]struct {
		issuer      string
		former, ref bool
		route       string
		want        engine.Kind
		state       payment.State
	}{
		"the former one is gone":        {"zibal|z|live", false, true, "/callback zibal", engine.Pending, payment.Unknown},
		"the former one is elsewhere":   {"zibal|z|live", true, true, "/callback zibal", engine.Verified, payment.Verified},
		"without our reference":         {"zibal|z|live", true, false, "/callback zibal", engine.Foreign, payment.Created},
		"at another path":               {"zibal|z|live", true, true, "/else zibal", engine.Foreign, payment.Created},
		"the new one is in the sandbox": {"zibal|z|sandbox", true, true, "/callback zibal", engine.Foreign, payment.Created},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.bank.echo = true })
				w.halt()
				no := refused(t, w)
				before := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, was)})
				rec, err := before.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", Route: "/callback idpay", ID: "K1", Order: "101", Amount: 50000, Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"}})
				if err != nil {
					t.Fatal(err)
				}
				fresh := account(no, c.issuer)
				if strings.HasSuffix(c.issuer, payment.Sandbox) {
					traits := idpayTraits
					traits.Issuer, traits.Environment = c.issuer, payment.Sandbox
					fresh.Provider = named{no, traits}
				}
				now := map[string]engine.Provider{"zibal": fresh}
				if c.former {
					now["idpay"] = account(w.bank, was)
				}
				a := w.ask()
				a.Provider, a.Route = "zibal", c.route
				if c.ref {
					a.Ref = rec.Ref
				}
				res := w.reconfigured(now).Admit(t.Context(), a)
				if r := w.record(rec.Ref); res.Kind != c.want || r.State != c.state || no.verifies() > 0 {
					t.Errorf("%s (%v), the payment is %s, the new one was asked %d times", res.Kind, res.Err, r.State, no.verifies())
				}
			})
		})
	}
}

func sole(is bool) func(*engine.Ask) {
	return func(a *engine.Ask) { a.Sole = func() bool { return is } }
}

// A route may take a new account while the block of the old one stays. Who is at the bank with a
// payment of the old account comes back to that route, and the account that began the payment
// is asked. While the old account's own route is there, what comes to another account's is that
// account's, and so is what names another order or comes to another path.
func TestARouteThatAnotherAccountHasNow(t *testing.T) {
	t.Parallel()
	const was, is = "idpay|a|live", "idpay|b|live"
	for name, c := range map[string]struct {
		own   bool
		bend  func(*engine.Ask)
		want  engine.Kind
		state payment.State
	}{
		"by its id":                 {false, func(*engine.Ask) {}, engine.Verified, payment.Verified},
		"its own route is there":    {true, func(*engine.Ask) {}, engine.Foreign, payment.Created},
		"it names another order":    {false, func(a *engine.Ask) { a.Order, a.Claimed.Order = "102", "102" }, engine.Foreign, payment.Created},
		"at another path":           {false, func(a *engine.Ask) { a.Route = "/else new" }, engine.Foreign, payment.Created},
		"at another site":           {false, func(a *engine.Ask) { a.Site = "other" }, engine.Foreign, payment.Created},
		"it says that it is unpaid": {false, func(a *engine.Ask) { a.Claimed.Hint = payment.HintUnpaid }, engine.Declined, payment.Created},
		"its route isn't known":     {false, sole(true), engine.Verified, payment.Verified},
		"nor which took its place":  {false, sole(false), engine.Foreign, payment.Created},
	} {
		for _, byRef := range []bool{false, true} {
			unknown := strings.HasPrefix(name, "its route isn't") || strings.HasPrefix(name, "nor which")
			if unknown && byRef {
				continue // our reference finds a payment on any route of the site
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(w *world) { w.bank.echo = true })
					w.halt()
					no := refused(t, w)
					before := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, was)})
					made := engine.Announcement{Site: "shop", Provider: "idpay", Route: "/callback idpay", ID: "K1", Order: "101", Amount: 50000, Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"}}
					if unknown {
						made.Route, made.Return = "", nil
						w.shop.leave(time.Hour)
					}
					rec, err := before.Announce(t.Context(), made)
					if err != nil {
						t.Fatal(err)
					}
					w.shop.policy.Moved = !c.own
					now := w.reconfigured(map[string]engine.Provider{"idpay": account(w.bank, was), "new": account(no, is)})
					a := w.ask()
					a.Provider, a.Route, a.Expect = "new", "/callback new", nil
					if byRef {
						a.Ref = rec.Ref
					}
					c.bend(&a)
					res := now.Admit(t.Context(), a)
					if r := w.record(rec.Ref); res.Kind != c.want || r.State != c.state || r.Provider != "idpay" || unknown && r.Route != map[bool]string{true: "/callback idpay"}[c.want == engine.Verified] || no.verifies() > 0 {
						t.Errorf("with our reference %t: %s (%v), the payment is %s, the new account was asked %d times", byRef, res.Kind, res.Err, r.State, no.verifies())
					}
					if c.want != engine.Verified {
						return
					}
					w.shop.leave(0) // the route is known now
					if res := now.Admit(t.Context(), a); res.Kind != engine.Verified && res.Kind != engine.Duplicate || w.bank.verifies() != 1 {
						t.Errorf("with our reference %t, once more: %s, asked %d times", byRef, res.Kind, w.bank.verifies())
					}
				})
			})
		}
	}
}
