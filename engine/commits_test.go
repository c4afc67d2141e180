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
	"github.com/rahgir/caddy-payments/storage/memory"
)

// shaky is a store whose n-th commit ends in an error, written or not.
type shaky struct {
	*memory.Store
	mu      sync.Mutex
	n       int
	written bool
}

func (s *shaky) Commit(ctx context.Context, c payment.Change) error {
	s.mu.Lock()
	s.n--
	now := s.n == 0
	s.mu.Unlock()
	if now && !s.written {
		return errors.New("no answer")
	}
	err := s.Store.Commit(ctx, c)
	if now && err == nil {
		// What the caller holds is as it was: it was told nothing.
		c.Record.Version--
		return errors.New("no answer")
	}
	return err
}

// C1 to C9 and T9: whichever commit has no answer, money is neither lost nor
// credited twice, and what is reported is reported once.
func TestACommitWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{true, false} {
		for _, written := range []bool{true, false} {
			for n := 1; n <= 9; n++ {
				t.Run(fmt.Sprintf("commit %d, written %v, once %v", n, written, once), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { w := newWorld(t); w.halt(); unanswered(t, w, n, written, once) })
				})
			}
		}
	}
}

func unanswered(t *testing.T, w *world, n int, written, once bool) {
	w.shop.policy = engine.Policy{Once: once}
	w.bank.script = []payment.Answer{paid(payment.OutcomePaid), paid(payment.OutcomeAgain)}
	s := &shaky{Store: w.store, n: n, written: written}
	e, err := engine.New(t.Context(), engine.Config{
		Store: s, Sites: w.shop, Observer: w.events, Providers: w.Providers, Affiliates: w.Affiliates, Rand: func() float64 { return 0.5 }, Tick: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = e
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go e.Run(ctx)
	announce := engine.Announcement{
		Site: "shop", Provider: "idpay", ID: "K1", Order: "101", Amount: 50000,
		Return: &payment.Return{Method: "GET", Host: "shop", URI: "/callback"}, Track: &payment.Track{ID: "trk", Affiliate: "hamekar"},
	}
	if _, err := e.Announce(t.Context(), announce); err != nil {
		if _, err := e.Announce(t.Context(), announce); err != nil {
			t.Fatal(err) // the customer presses again
		}
	}
	told := 0
	for range 3 {
		res := e.Admit(t.Context(), w.ask())
		if res.Kind == engine.Verified {
			if r, err := w.store.Get(t.Context(), res.Record.Ref); err != nil || !r.State.Captured() {
				t.Errorf("told as verified, and on record as %+v, %v", r, err)
			}
			_, _ = e.Deliver(t.Context(), res.Record, w.byBrowser(), func(context.Context, *payment.Record) engine.Handed {
				told++
				return engine.Handed{Acked: true, Status: 200}
			})
		}
		time.Sleep(7 * time.Second)
	}
	time.Sleep(24 * time.Hour)
	page, err := w.store.List(t.Context(), payment.Listing{})
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("%d records, %v", len(page.Records), err)
	}
	r := page.Records[0]
	told += w.shop.count()
	switch {
	case once && told > 1:
		t.Errorf("handed over %d times", told)
	case once && r.State == payment.Parked && w.events.alerts(engine.EventParked) == 1:
	case r.State != payment.Delivered || told == 0:
		t.Errorf("it is %s (%s) after %d deliveries", r.State, r.Reason, told)
	case r.ConversionState() != payment.SentReport:
		t.Errorf("the conversion: %+v", r.Reports)
	}
}
