package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// named is a provider under another account, host or environment.
type named struct {
	*bank
	traits payment.Terms
}

func (n named) Protocol() payment.Protocol { return n.traits.Protocol }
func (n named) Traits() payment.Traits     { return n.traits.Traits }

// scriptTraits are of a provider that can't tell the first answer from another.
func scriptTraits(key, address string) payment.Terms {
	return payment.Terms{Protocol: payment.Protocol{AnswersAmount: true}, Traits: payment.Traits{
		Issuer: payment.Issuer("invoice", payment.AccountID("invoice", key), payment.Live), Host: "invoice|" + address + "|live",
		Environment: payment.Live,
	}}
}

// reconfigured is an engine over the same ledger with other providers.
func (w *world) reconfigured(providers map[string]engine.Provider) *engine.Engine {
	w.t.Helper()
	e, err := engine.New(w.t.Context(), engine.Config{Store: w.store, Sites: w.shop, Observer: w.events, Rand: func() float64 { return 0.5 }, Providers: providers})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// signed is a return of an order that the shop has signed.
func (w *world) signed(provider, id, order string) engine.Ask {
	a := w.ask()
	a.Provider, a.Route, a.Claimed, a.Order, a.Proof = provider, "/"+provider+" "+provider, payment.Claimed{ID: id}, order, true
	a.Expect = func(context.Context, string) (payment.Expectation, error) {
		return payment.Expectation{Amount: 50000, Source: payment.FromSigned}, nil
	}
	return a
}

// A used receipt stays used whatever name, address or key the configuration gives
// its provider, and `used_ids none` is believed only where nothing speaks against
// it.
func TestAUsedReceiptIsUsedUnderEveryName(t *testing.T) {
	t.Parallel()
	const none, imported = payment.UsedIDsNone, payment.UsedIDsImported
	for name, c := range map[string]struct {
		traits   payment.Terms
		used, id string
		want     engine.Kind
	}{
		"another address, the same key":        {scriptTraits("k", "www.script.example"), none, "K1", engine.Review},
		"another key, the old receipt":         {scriptTraits("k2", "script.example"), none, "K1", engine.Review},
		"another key, the old receipt, import": {scriptTraits("k2", "script.example"), imported, "K1", engine.Review},
		"another key, a new receipt":           {scriptTraits("k2", "script.example"), none, "K2", engine.Review},
		"another key, a new receipt, import":   {scriptTraits("k2", "script.example"), imported, "K2", engine.Verified},
		"another address, a new receipt":       {scriptTraits("k", "www.script.example"), none, "K2", engine.Verified},
		"both others, the old receipt":         {scriptTraits("k2", "www.script.example"), none, "K1", engine.Review},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.bank.echo = true })
				w.halt()
				first := w.reconfigured(map[string]engine.Provider{"script": {Provider: named{w.bank, scriptTraits("k", "script.example")}, Timeout: time.Second, UsedIDs: none}})
				if res := first.Admit(t.Context(), w.signed("script", "K1", "1")); res.Kind != engine.Verified {
					t.Fatalf("the first: %s %+v", res.Kind, res.Record)
				}
				second := w.reconfigured(map[string]engine.Provider{"other": {Provider: named{w.bank, c.traits}, Timeout: time.Second, UsedIDs: c.used}})
				if res := second.Admit(t.Context(), w.signed("other", c.id, "2")); res.Kind != c.want {
					t.Errorf("%s (%v), want %s", res.Kind, res.Record, c.want)
				}
				// A restart and another node get the same answer.
				third := w.reconfigured(map[string]engine.Provider{"other": {Provider: named{w.bank, c.traits}, Timeout: time.Second, UsedIDs: c.used}})
				if res := third.Admit(t.Context(), w.signed("other", c.id+"x", "3")); (res.Kind == engine.Verified) != (c.used == imported || c.traits.Issuer == scriptTraits("k", "").Issuer) {
					t.Errorf("after a restart: %s", res.Kind)
				}
			})
		})
	}
}

// An order of a site is paid once, whoever takes it and whatever he is called; a
// test payment stands in no real one's way.
func TestAnOrderIsPaidOnceWhoeverTakesIt(t *testing.T) {
	t.Parallel()
	live, other, sandbox := idpayTraits, idpayTraits, idpayTraits
	live.Issuer, other.Issuer, sandbox.Issuer, sandbox.Environment = "idpay|a|live", "sama|b|live", "idpay|a|sandbox", payment.Sandbox
	keeps := live
	keeps.GivesBack = false
	for name, c := range map[string]struct {
		second payment.Terms
		site   string
		want   engine.Kind
	}{
		"the same": {live, "shop", engine.OrderPaid}, "renamed": {live, "shop", engine.OrderPaid}, "another provider": {other, "shop", engine.OrderPaid},
		"one that gives nothing back": {keeps, "shop", engine.Review}, "in the sandbox": {sandbox, "shop", engine.Verified},
		"another site": {live, "shop2", engine.Verified}, "the site under another name": {live, "shop.example", engine.OrderPaid},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.bank.echo = true })
				w.halt()
				e := w.reconfigured(map[string]engine.Provider{
					"one": {Provider: named{w.bank, live}, Timeout: time.Second}, "two": {Provider: named{w.bank, c.second}, Timeout: time.Second},
				})
				if res := e.Admit(t.Context(), w.signed("one", "K1", "7")); res.Kind != engine.Verified {
					t.Fatalf("the first: %s", res.Kind)
				}
				a := w.signed("two", "K2", "7")
				if a.Site = c.site; c.site == "shop.example" {
					a.Formerly = []string{"shop"}
				}
				if res := e.Admit(t.Context(), a); res.Kind != c.want {
					t.Errorf("%s, want %s", res.Kind, c.want)
				}
			})
		})
	}
}

// overtaken is a store whose first commit comes after another's write.
type overtaken struct {
	*memory.Store
	by func()
}

func (s *overtaken) Commit(ctx context.Context, c payment.Change) error {
	if by := s.by; by != nil {
		s.by = nil
		by()
		return payment.ErrConflict
	}
	return s.Store.Commit(ctx, c)
}

// A claim that another write has overtaken looks again whether the order is paid.
func TestALookAtAnOrderIsGoodForOneClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.echo = true })
		defer w.halt()
		s := &overtaken{Store: w.store, by: func() {
			w.Admit(t.Context(), w.signed("idpay", "K0", "7"))
		}}
		if res := w.on(s).Admit(t.Context(), w.signed("idpay", "K1", "7")); res.Kind != engine.OrderPaid || w.bank.verifies() != 1 {
			t.Errorf("%s, asked %d times", res.Kind, w.bank.verifies())
		}
	})
}

// What was written under an earlier key of the account is found and stays used.
func TestAnEarlierKeyOfTheAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.echo = true })
		w.halt()
		w.store = memory.New(nil)
		w.bank.store = w.store
		was := "idpay|before|live"
		traits := idpayTraits
		traits.Issuer = was
		before := w.reconfigured(map[string]engine.Provider{"idpay": {Provider: named{w.bank, traits}, Timeout: time.Second}})
		if res := before.Admit(t.Context(), w.signed("idpay", "K0", "0")); res.Kind != engine.Verified {
			t.Fatalf("under the earlier key: %s", res.Kind)
		}
		traits.Issuer, traits.Former = "idpay|a|live", []string{was}
		put := func(id, order string, state payment.State, take ...payment.Key) *payment.Record {
			r := &payment.Record{Ref: payment.NewRef("shop", was, id, order), Site: "shop", Route: "/callback idpay", Provider: "idpay", Issuer: was, Environment: payment.Live,
				ID: id, Order: order, State: state, Generation: 1, CreatedAt: time.Now(), UpdatedAt: time.Now(),
				Expect: payment.Expectation{Amount: 50000, Source: payment.FromIntent}}
			if err := w.store.Commit(t.Context(), payment.Change{Record: r, Take: take}); err != nil {
				t.Fatal(err)
			}
			return r
		}
		delivered := put("K1", "1", payment.Delivered, payment.ReceiptKey(was, "K1"), payment.OrderKey("shop", payment.Live, "1"))
		begun := put("K2", "2", payment.Created, payment.IntentKey(was, "K2"))
		waiting := put("K3", "3", payment.Unknown)
		if _, err := w.store.Reserve(t.Context(), []payment.Key{payment.ReceiptKey(was, "USED")}); err != nil {
			t.Fatal(err)
		}
		e := w.reconfigured(map[string]engine.Provider{"idpay": {Provider: named{w.bank, traits}, Timeout: time.Second}})
		ask := func(id, order string) engine.Result {
			a := w.signed("idpay", id, order)
			a.Route = "/callback idpay"
			return e.Admit(t.Context(), a)
		}
		if res := ask("K1", "1"); res.Kind != engine.Duplicate || res.Record.Ref != delivered.Ref {
			t.Errorf("a delivered one: %s", res.Kind)
		}
		if res := ask("K1", "9"); res.Kind != engine.Review {
			t.Errorf("its receipt for another order: %s", res.Kind)
		}
		if res := ask("K9", "1"); res.Kind != engine.OrderPaid {
			t.Errorf("another payment of its order: %s", res.Kind)
		}
		if res := ask("K2", "2"); res.Kind != engine.Verified || res.Record.Ref != begun.Ref || res.Record.Issuer != traits.Issuer {
			t.Errorf("an intent: %s", res.Kind)
		}
		if res := ask("K3", "3"); res.Kind != engine.Verified || res.Record.Ref != waiting.Ref {
			t.Errorf("one under way: %s", res.Kind)
		}
		if res := ask("USED", "4"); res.Kind != engine.Foreign {
			t.Errorf("an imported id: %s", res.Kind)
		}
		if _, err := e.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: "K2", Order: "other", Amount: 1}); err == nil {
			t.Error("an announced id is announced for another order")
		}
	})
}

// What was paid in the sandbox opens nothing and is handed over to nobody once its
// provider is live; nor is it asked for there.
func TestPlayMoneyIsWorthNothingLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.echo = true })
		w.halt()
		live, sandbox := idpayTraits, idpayTraits
		live.Issuer, sandbox.Issuer, sandbox.Environment = "idpay|a|live", "idpay|a|sandbox", payment.Sandbox
		test := w.reconfigured(map[string]engine.Provider{"idpay": {Provider: named{w.bank, sandbox}, Timeout: time.Second}})
		real := w.reconfigured(map[string]engine.Provider{"idpay": {Provider: named{w.bank, live}, Timeout: time.Second}})
		_, bought, err := test.Purchase(t.Context(), engine.Purchase{
			Site: "shop", Route: "/callback idpay", Provider: "idpay", Order: "o1", Amount: 50000, Item: "course",
			Ref: payment.CheckoutRef("shop", sandbox.Issuer, "o1"), ReturnURL: "https://shop/r", Return: payment.Return{URI: "/r"},
		})
		if err != nil {
			t.Fatal(err)
		}
		a := w.ask()
		a.Ref, a.Order, a.Claimed = bought.Ref, "o1", payment.Claimed{ID: "K1"}
		if res := test.Admit(t.Context(), a); res.Kind != engine.Verified {
			t.Fatalf("%s", res.Kind)
		}
		open := func(e *engine.Engine) bool {
			_, room, err := e.Open(t.Context(), bought.Ref, "shop", []string{"course"}, "device", 5)
			return err == nil && room
		}
		if !open(test) || open(real) {
			t.Errorf("in the sandbox %v, live %v", open(test), open(real))
		}
		// That another site still uses the sandbox opens nothing here.
		both := w.reconfigured(map[string]engine.Provider{
			"idpay": {Provider: named{w.bank, live}, Timeout: time.Second}, "staging": {Provider: named{w.bank, sandbox}, Timeout: time.Second},
		})
		w.shop.policy.Live = true
		opened := open(both)
		w.shop.policy.Live = false
		w.shop.leave(time.Hour)
		if opened || open(both) {
			t.Error("its route takes no test payments any more, and it opens paid content")
		}
		w.shop.leave(0)
		d := engine.Delivery{Via: payment.ViaBrowser}
		_, err = real.Deliver(t.Context(), w.record(bought.Ref), d, func(context.Context, *payment.Record) engine.Handed {
			t.Error("it is handed over")
			return engine.Handed{}
		})
		if err == nil {
			t.Error("the hand-over of play money is no error")
		}
		calls := w.bank.verifies()
		time.Sleep(2 * time.Minute)
		if _, err := real.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if r := w.record(bought.Ref); r.State != payment.Parked || r.Reason != payment.ReasonSandbox || w.bank.verifies() != calls {
			t.Errorf("%s (%s)", r.State, r.Reason)
		}
	})
}

// One order is never paid twice, however the provider is called and wherever it is
// asked, when all come at once.
func TestRacingNamesPayOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.echo = true })
		w.halt()
		providers := map[string]engine.Provider{}
		for i := range 8 {
			traits := idpayTraits
			traits.Issuer = fmt.Sprintf("p%d|a|live", i%4)
			providers[fmt.Sprint(i)] = engine.Provider{Provider: named{w.bank, traits}, Timeout: time.Second}
		}
		e := w.reconfigured(providers)
		for i := range 8 {
			go e.Admit(t.Context(), w.signed(fmt.Sprint(i), fmt.Sprintf("K%d", i), "7"))
		}
		time.Sleep(time.Minute)
		page, err := w.store.List(t.Context(), payment.Listing{Order: "7"})
		n := 0
		for _, r := range page.Records {
			if r.State.Captured() {
				n++
			}
		}
		if err != nil || n != 1 {
			t.Errorf("%d payments have the order, %v", n, err)
		}
	})
}

// gathered lets nobody go on from the first reads before all of them are made: a
// race of which no scheduler makes a queue.
type gathered struct {
	payment.Store
	readers sync.WaitGroup
	left    atomic.Int32
}

func (s *gathered) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	rec, err := s.Store.Get(ctx, ref)
	if s.left.Add(-1) >= 0 {
		s.readers.Done()
		s.readers.Wait()
	}
	return rec, err
}

// 30 browsers at once do not get past a limit of two.
func TestDevicesAreCountedInARace(t *testing.T) {
	t.Parallel()
	store := &gathered{Store: memory.New(nil)}
	store.readers.Add(30)
	store.left.Store(30)
	e, err := engine.New(t.Context(), engine.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	rec := &payment.Record{Ref: payment.NewRef("s", "i", "1", "1"), Site: "s", State: payment.Delivered, Expect: payment.Expectation{Item: "x"}, CreatedAt: time.Now()}
	if err := store.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
		t.Fatal(err)
	}
	in := make(chan bool, 30)
	for i := range 30 {
		go func() {
			_, room, err := e.Open(context.Background(), rec.Ref, "s", []string{"x"}, fmt.Sprint(i), 2)
			in <- room && err == nil
		}()
	}
	n := 0
	for range 30 {
		if <-in {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d of 30 browsers are let in, 2 may", n)
	}
}

// Interface guard.
var _ payment.Provider = named{}
