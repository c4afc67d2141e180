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
)

// listing is a bank that can't be asked without settling, but lists.
type listing struct {
	payment.Provider
	payment.Creator
	list  func() ([]payment.Pending, error)
	calls *atomic.Int64
}

func (l listing) Unverified(context.Context) ([]payment.Pending, error) {
	l.calls.Add(1)
	return l.list()
}

// lister starts a world whose bank lists.
func lister(t *testing.T, list func() ([]payment.Pending, error), change ...func(*world)) (*world, *atomic.Int64) {
	w := newWorld(t, change...)
	w.halt()
	calls := new(atomic.Int64)
	e, err := engine.New(t.Context(), engine.Config{
		Store: w.store, Sites: w.shop, Observer: w.events, Rand: func() float64 { return 0.5 },
		Providers: map[string]engine.Provider{"idpay": {Provider: listing{w.bank, w.bank, list, calls}, Timeout: 8 * time.Second}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = e
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.done = stop, make(chan struct{})
	go func() {
		e.Run(ctx)
		close(w.done)
	}()
	return w, calls
}

// What the provider calls paid and unverified, and the ledger knows as an intent, is
// settled soon: two minutes after it was paid, and not when the window closes.
func TestWhatIsListedIsSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := lister(t, func() ([]payment.Pending, error) {
			return []payment.Pending{{ID: "another shop's", Amount: 1}, {ID: "K1", Amount: 50000}}, nil
		})
		defer w.halt()
		rec := w.announce()
		time.Sleep(59 * time.Second)
		w.wantState(rec.Ref, payment.Created)
		time.Sleep(2 * time.Minute)
		got := w.record(rec.Ref)
		if !got.State.Captured() || got.Attempts.Awaiting.IsZero() || w.bank.verifies() != 1 {
			t.Errorf("%s (%s), awaiting since %s, verified %d times", got.State, got.Reason, got.Attempts.Awaiting, w.bank.verifies())
		}
		page, err := w.store.List(t.Context(), payment.Listing{})
		if err != nil || len(page.Records) != 1 {
			t.Errorf("%d records, %v", len(page.Records), err)
		}
	})
}

// Of what is listed as paid and can't be handed over, or can't be verified without
// its customer, a person hears, once.
func TestWhatIsListedAndStuckIsTold(t *testing.T) {
	t.Parallel()
	for name, provesInReturn := range map[string]bool{"no return address": false, "no proof": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, _ := lister(t, func() ([]payment.Pending, error) { return []payment.Pending{{ID: "K1"}}, nil },
					func(w *world) { w.bank.traits.ProvesInReturn = provesInReturn })
				defer w.halt()
				a := engine.Announcement{Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Amount: 50000}
				if provesInReturn {
					a.Return = &payment.Return{Method: "GET", Host: "shop", URI: "/callback"}
				}
				rec, err := w.Announce(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(26 * time.Hour)
				if n := w.events.alerts(engine.EventUnclaimed); n != 1 || w.bank.verifies() != 0 {
					t.Errorf("told %d times, verified %d times", n, w.bank.verifies())
				}
				if got := w.record(rec.Ref); provesInReturn && got.State != payment.Expired {
					t.Errorf("it is %s", got.State)
				}
			})
		})
	}
}

// A list is looked at once a minute, while something may be in it.
func TestAListIsLookedAtWhileItMayHaveSomething(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, calls := lister(t, func() ([]payment.Pending, error) { return nil, errors.New("down") })
		defer w.halt()
		time.Sleep(24 * time.Hour)
		before := calls.Load()
		if before < 3 || before > 15 {
			t.Errorf("%d looks at the list of an idle shop", before)
		}
		w.announce()
		time.Sleep(5*time.Minute + time.Second)
		if n := calls.Load() - before; n < 2 || n > 6 {
			t.Errorf("%d looks in five minutes of a busy one", n)
		}
	})
}

// What verify must be told comes with the return, is kept, and is asked with; a
// return without it is never asked about, and one that was asked about and not
// answered is not replaced by another before it was refused.
func TestProofOfTheReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.traits.ProvesInReturn = true })
		defer w.halt()
		rec := w.announce()
		a := w.ask()
		if res := w.Admit(t.Context(), a); res.Kind != engine.Ambiguous || w.bank.verifies() != 0 {
			t.Fatalf("without proof: %v, asked %d times", res.Kind, w.bank.verifies())
		}
		a.Claimed.Proof = string(make([]byte, payment.MaxProof+1))
		if res := w.Admit(t.Context(), a); res.Kind != engine.Ambiguous || w.bank.verifies() != 0 {
			t.Fatalf("with too much: %v, asked %d times", res.Kind, w.bank.verifies())
		}
		w.bank.play(payment.Answer{Outcome: payment.OutcomeRefused}, payment.Answer{}, paid(payment.OutcomeAgain))
		for _, c := range []struct{ brings, keeps string }{{"P1", "P1"}, {"P2", "P2"}, {"P3", "P2"}} {
			time.Sleep(20 * time.Second)
			a.Claimed.Proof = c.brings
			w.Admit(t.Context(), a)
			if got := w.record(rec.Ref).Proof; got != c.keeps {
				t.Errorf("%s: kept %q", c.brings, got)
			}
			if w.record(rec.Ref).State.Captured() {
				break
			}
		}
		if got := w.record(rec.Ref); !got.State.Captured() {
			t.Errorf("it is %s (%s)", got.State, got.Reason)
		}
		if last := w.bank.lastQuery(); last.Proof != "P2" || last.ID != "K1" {
			t.Errorf("asked with %+v", last)
		}
	})
}
