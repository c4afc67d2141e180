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

// A59: invented ids from one client cost few calls, and a genuine return is not
// held up by them.
func TestStrangersAreCountedAndGenuineReturnsAreNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}}
		})
		defer w.halt()
		var mu sync.Mutex
		kinds := make(map[engine.Kind]int)
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				res := w.Admit(t.Context(), w.stranger(fmt.Sprintf("X%d", i), "1"))
				mu.Lock()
				kinds[res.Kind]++
				mu.Unlock()
			})
		}
		time.Sleep(100 * time.Millisecond)
		w.announce()
		w.bank.mu.Lock()
		w.bank.script = append([]payment.Answer{paid(payment.OutcomePaid)}, w.bank.script...)
		w.bank.mu.Unlock()
		start := time.Now()
		w.Admit(t.Context(), w.ask())
		if d := time.Since(start); d > time.Second {
			t.Errorf("a genuine return waited %s", d)
		}
		all.Wait()
		if n := w.bank.verifies(); n > 150 {
			t.Errorf("500 invented ids of one client caused %d calls", n)
		}
		if kinds[engine.Busy] == 0 {
			t.Errorf("nobody was turned away: %v", kinds)
		}
	})
}

func TestStrangersNegativeAnswerIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}}
		})
		defer w.halt()
		for range 9 {
			if res := w.Admit(t.Context(), w.stranger("X1", "1")); res.Kind != engine.Declined {
				t.Fatalf("%+v", res)
			}
			time.Sleep(time.Second)
		}
		if n := w.bank.verifies(); n != 1 {
			t.Errorf("%d calls for one id within 10 s", n)
		}
		time.Sleep(26 * time.Hour)
		page, err := w.store.List(t.Context(), payment.Listing{})
		if err != nil || len(page.Records) != 0 {
			t.Errorf("an invented payment is still on record after a day: %v", page.Records)
		}
		if n := w.bank.verifies(); n != 1 {
			t.Errorf("the worker asked for an invented id: %d calls", n)
		}
	})
}

// A61, F19: what strangers cause never opens the breaker; a provider that does
// not answer does, and returns are recorded meanwhile.
func TestBreakerRecordsAndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{Err: errors.New("refused"), Unsent: true}} })
		defer w.halt()
		ask := func(i int) engine.Ask {
			id := fmt.Sprintf("B%d", i)
			if _, err := w.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "idpay", ID: id, Order: id, Amount: 50000}); err != nil {
				t.Fatal(err)
			}
			a := w.ask()
			a.Claimed.ID, a.Claimed.Order, a.Order = id, id, id
			return a
		}
		var refs []payment.Ref
		for i := range 60 {
			res := w.Admit(t.Context(), ask(i))
			if res.Kind != engine.Pending || res.Record == nil {
				t.Fatalf("%+v", res)
			}
			refs = append(refs, res.Record.Ref)
		}
		n := w.bank.verifies()
		if n > 45 {
			t.Errorf("%d calls to a dead provider for 60 returns", n)
		}
		time.Sleep(10 * time.Second)
		if extra := w.bank.verifies() - n; extra > 6 {
			t.Errorf("%d calls in 10 s with an open breaker", extra)
		}
		w.bank.mu.Lock()
		w.bank.echo = true
		w.bank.mu.Unlock()
		time.Sleep(4 * time.Minute)
		for _, ref := range refs {
			if s := w.record(ref).State; !s.Captured() {
				t.Fatalf("%s is %s four minutes after the provider came back", ref, s)
			}
		}
	})
}

func TestNothingIsAskedBeforeTheExpectationIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		known := false
		var mu sync.Mutex
		answer := func() (payment.Expectation, error) {
			mu.Lock()
			defer mu.Unlock()
			if !known {
				return payment.Expectation{}, engine.ErrUnanswered
			}
			return payment.Expectation{Amount: 50000, Source: payment.FromLookup, Unconsumed: true}, nil
		}
		w := newWorld(t, func(w *world) { w.shop.expect = answer })
		defer w.halt()
		a := w.ask()
		a.Expect = func(context.Context, string) (payment.Expectation, error) { return answer() }
		res := w.Admit(t.Context(), a)
		if res.Kind != engine.Pending || res.Record == nil || w.bank.verifies() != 0 {
			t.Fatalf("%+v after %d calls", res, w.bank.verifies())
		}
		time.Sleep(time.Minute)
		if w.bank.verifies() != 0 {
			t.Fatal("asked without an expectation")
		}
		mu.Lock()
		known = true
		mu.Unlock()
		time.Sleep(time.Minute)
		if s := w.record(res.Record.Ref).State; !s.Captured() {
			t.Errorf("it is %s", s)
		}
	})
}

// A disk that fills up refuses new work before anything is asked, and what has
// begun goes on: a provider's window does not wait for room.
func TestAFullStoreRefusesNewWorkOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{}, {}, paid(payment.OutcomePaid)} })
		defer w.halt()
		rec := w.announce()
		w.store.Break(payment.ErrFull)
		if res := w.Admit(t.Context(), w.stranger("K9", "900")); res.Kind != engine.Unavailable || w.bank.verifies() != 0 {
			t.Errorf("a new one: %+v after %d calls", res, w.bank.verifies())
		}
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Pending || w.bank.verifies() != 1 {
			t.Errorf("one that has begun: %+v after %d calls", res, w.bank.verifies())
		}
		time.Sleep(2 * time.Minute)
		w.wantState(rec.Ref, payment.Delivered)
	})
}

// Where nothing can be written nothing is asked, it is said once a minute, and
// all goes on when there is room again.
func TestAStoreWithoutAnyRoomAsksNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{}, paid(payment.OutcomePaid)} })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		w.store.Break(fmt.Errorf("%w, not even for what has begun", payment.ErrFull))
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Unavailable && res.Kind != engine.Pending || w.bank.verifies() != 1 {
			t.Errorf("%+v after %d calls", res, w.bank.verifies())
		}
		time.Sleep(5 * time.Minute)
		if n := w.bank.verifies(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		w.events.mu.Lock()
		said := 0
		for _, e := range w.events.list {
			if e.Name == engine.EventStore {
				said++
			}
		}
		w.events.mu.Unlock()
		if said < 5 || said > 12 {
			t.Errorf("the trouble was told %d times in five minutes", said)
		}
		w.store.Break(nil)
		time.Sleep(2 * time.Minute)
		w.wantState(rec.Ref, payment.Delivered)
	})
}

func TestADismissedPaymentStaysDismissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{paid(payment.OutcomeAgain)} })
		defer w.halt()
		rec := w.announce()
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Review {
			t.Fatalf("%+v", res)
		}
		r := w.record(rec.Ref)
		if _, err := w.Decide(t.Context(), rec.Ref, r.Version-1, payment.DecideReject, payment.Note{}); !errors.Is(err, payment.ErrConflict) {
			t.Errorf("a decision about what is not there any more: %v", err)
		}
		if _, err := w.Decide(t.Context(), rec.Ref, r.Version, payment.DecideReject, payment.Note{By: "me"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Declined || w.bank.verifies() != 1 {
			t.Errorf("%+v after %d calls", res, w.bank.verifies())
		}
	})
}

func TestAPaymentGivenByAPersonIsDeliveredAndReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{paid(payment.OutcomeAgain)} })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		r := w.record(rec.Ref)
		if _, err := w.Decide(t.Context(), rec.Ref, r.Version, payment.DecideAccept, payment.Note{By: "me"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if r := w.wantState(rec.Ref, payment.Delivered); r.ConversionState() != payment.SentReport {
			t.Errorf("conversion: %+v", r.Reports)
		}
	})
}

// What had money behind it is never forgotten, and trying is not a thing to do
// for ever (simulation, seed 91926).
func TestWhatMayNotBeForgottenIsDueNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.script, w.tick = []payment.Answer{paid(payment.OutcomeAgain)}, 10*time.Second
		})
		defer w.halt()
		res := w.Admit(t.Context(), w.stranger("K1", "101"))
		if res.Kind != engine.Review {
			t.Fatalf("%+v", res)
		}
		r := w.record(res.Record.Ref)
		r, err := w.Decide(t.Context(), r.Ref, r.Version, payment.DecideReject, payment.Note{By: "me"})
		if err != nil {
			t.Fatal(err)
		}
		r.Due = time.Now().Add(time.Minute) // however that came
		if err := w.store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		if r := w.record(r.Ref); !r.Due.IsZero() {
			t.Errorf("it is %s and still due at %s", r.State, r.Due)
		}
	})
}

// A browser may leave as soon as its return is sent: where nobody announced the
// payment, that return is all that is ever known of it.
func TestAReturnWhoseBrowserIsGoneIsSeenThrough(t *testing.T) {
	t.Parallel()
	for name, paced := range map[string]bool{"at once": false, "at the common pace": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.bank.echo = true })
				defer w.halt()
				if paced {
					for i := range 40 {
						go w.Admit(t.Context(), w.stranger(fmt.Sprintf("X%d", i), fmt.Sprint(i)))
					}
					synctest.Wait()
				}
				left, leave := context.WithCancel(t.Context())
				leave()
				a := w.stranger("K1", "101")
				a.Client = "192.0.2.9"
				w.Admit(left, a)
				time.Sleep(90 * time.Second)
				w.wantState(payment.NewRef(a.Site, w.bank.traits.Issuer, "K1", "101"), payment.Delivered)
			})
		})
	}
}
