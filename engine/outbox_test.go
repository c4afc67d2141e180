package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// hook is a webhook with a script.
type hook struct {
	mu     sync.Mutex
	answer func(n int) payment.ReportAnswer
	// during happens while it is told.
	during func(payment.Sale)
	sales  []payment.Sale
	no     []payment.ReportKind
}

func (h *hook) Wants(k payment.ReportKind) bool { return !slices.Contains(h.no, k) }

func (h *hook) Report(_ context.Context, s payment.Sale) payment.ReportAnswer {
	if h.during != nil {
		h.during(s)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Record = nil
	h.sales = append(h.sales, s)
	if h.answer == nil {
		return payment.ReportAnswer{Outcome: payment.ReportAccepted, Code: "204"}
	}
	return h.answer(len(h.sales))
}

func (h *hook) kinds() (kinds []payment.ReportKind) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sales {
		kinds = append(kinds, s.Kind)
	}
	return kinds
}

func withHook(h *hook) func(*world) {
	return func(w *world) { w.hooks = map[string]payment.Subscriber{"shop": h} }
}

// canceler is a network that takes cancellations.
type canceler struct {
	network
	sales []payment.Sale
}

func (c *canceler) Cancels() bool { return true }

func (c *canceler) Report(ctx context.Context, s payment.Sale) payment.ReportAnswer {
	c.sales = append(c.sales, s)
	return c.network.Report(ctx, s)
}

// The sale stands in the record with the commit that verifies it, and is not due.
func TestRule11CommittedWithVerified(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		w.halt()
		p := w.wantState(rec.Ref, payment.Verified).Sale()
		if p == nil || p.State != payment.OpenReport || !p.Next.IsZero() || p.To != "hamekar" {
			t.Errorf("%+v", p)
		}
	})
}

// A webhook hears of each step, and costs no synced commit.
func TestWebhooksHearOfEachStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{no: []payment.ReportKind{payment.TellReview}}
		w := newWorld(t, withHook(h), func(w *world) { w.bank.took = 0 })
		defer w.halt()
		rec := w.announce()
		synced := w.store.Synced
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if got := h.kinds(); !slices.Equal(got, []payment.ReportKind{payment.TellVerified, payment.TellDelivered}) && !slices.Equal(got, []payment.ReportKind{payment.TellDelivered, payment.TellVerified}) {
			t.Errorf("%v", got)
		}
		if n := w.store.Synced - synced; n != 2 {
			t.Errorf("%d synced commits, want 2", n)
		}
		r := w.record(rec.Ref)
		if len(r.Reports) != 1 || r.Count(payment.EntryTold) != 2 || !r.Earliest().IsZero() {
			t.Errorf("%+v %+v", r.Reports, r.History)
		}
		if s := h.sales[0]; s.Order != "101" || s.Amount != 50000 || s.Try != 1 || s.Site != "shop" || s.EventID == "" || s.EventID == h.sales[1].EventID {
			t.Errorf("%+v", s)
		}
		if _, err := w.Decide(t.Context(), rec.Ref, r.Version, payment.DecideRepaid, payment.Note{By: "sara", Text: "991"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if got := h.kinds(); len(got) != 3 || got[2] != payment.TellReversed {
			t.Errorf("%v", got)
		}
	})
}

// A webhook that hangs holds up neither the customer nor the worker's hand-overs.
func TestAHangingWebhookIsNotInTheMoneysPath(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{during: func(payment.Sale) { time.Sleep(30 * time.Second) }, answer: func(int) payment.ReportAnswer { return payment.ReportAnswer{} }}
		w := newWorld(t, withHook(h), func(w *world) { w.bank.took = 0 })
		// Whether it is being told again just then, when the test ends, is up to chance.
		defer func() {
			w.halt()
			if err := w.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		time.Sleep(5 * time.Second) // it is being told of "verified" now
		start := time.Now()
		if r, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil || r.State != payment.Delivered || time.Since(start) > time.Second {
			t.Fatalf("%v after %s", err, time.Since(start))
		}
		time.Sleep(2 * time.Minute)
		if r := w.record(rec.Ref); r.ConversionState() != payment.SentReport {
			t.Errorf("the network has not heard: %+v", r.Reports)
		}
	})
}

// A delivery that a report overtakes between its look and its commit is made.
func TestADeliveryOvertakenByAReportIsMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{}
		w := newWorld(t, withHook(h), func(w *world) { w.bank.took = 0 })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		seen := w.wantState(rec.Ref, payment.Verified)
		time.Sleep(5 * time.Second)
		if w.record(rec.Ref).Version == seen.Version {
			t.Fatal("nothing was reported")
		}
		handed := 0
		hand := func(_ context.Context, r *payment.Record) engine.Handed {
			handed++
			return engine.Handed{Acked: true}
		}
		if r, err := w.Deliver(t.Context(), seen, w.byBrowser(), hand); err != nil || r.State != payment.Delivered {
			t.Fatalf("%v", err)
		}
		// One that was delivered meanwhile is not.
		if _, err := w.Deliver(t.Context(), seen, w.byBrowser(), hand); !errors.Is(err, engine.ErrNotNow) || handed != 1 {
			t.Errorf("%v, handed over %d times", err, handed)
		}
	})
}

// While a webhook is told that a payment is declined, its customer pays after all: the
// provider's answer must find its record as it was asked with.
func TestAReportNeverWritesWhileTheProviderIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{no: []payment.ReportKind{payment.TellVerified}}
		w := newWorld(t, withHook(h), func(w *world) {
			w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused, Code: "1"}, paid(payment.OutcomePaid)}
			w.bank.took = 7 * time.Second
		})
		defer w.halt()
		h.during = func(s payment.Sale) {
			if s.Kind == payment.TellDeclined {
				time.Sleep(8 * time.Second) // ends while the second question is under way
			}
		}
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		w.wantState(rec.Ref, payment.Declined)
		time.Sleep(6 * time.Second)
		if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
			t.Errorf("%s", res.Kind)
		}
		time.Sleep(time.Minute)
		if v := w.bank.verifies(); v != 2 {
			t.Errorf("%d questions", v)
		}
	})
}

// 410 stops: what is open is parked, nothing new is written for it, one alert.
func TestAWebhookThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{answer: func(int) payment.ReportAnswer { return payment.ReportAnswer{Outcome: payment.ReportGone, Code: "410"} }}
		w := newWorld(t, withHook(h), func(w *world) { w.bank.took = 0 })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		r := w.record(rec.Ref)
		if len(h.kinds()) != 1 || w.events.alerts(engine.EventUntold) != 1 || w.events.alerts(engine.EventPaused) != 0 {
			t.Errorf("told %v, %d alerts; %d of a network", h.kinds(), w.events.alerts(engine.EventUntold), w.events.alerts(engine.EventPaused))
		}
		for _, p := range r.Reports {
			if !p.Kind.Conversion() && (p.State != payment.ParkedReport || p.Last != "410" || p.Unanswered != 0) {
				t.Errorf("%+v", p)
			}
		}
		if _, err := w.Decide(t.Context(), rec.Ref, r.Version, payment.DecideRepaid, payment.Note{By: "me"}); err != nil {
			t.Fatal(err)
		}
		if r := w.record(rec.Ref); r.Report("shop", payment.TellReversed) != nil || len(w.Paused()) != 1 {
			t.Errorf("%+v, %v", r.Reports, w.Paused())
		}
	})
}

// A webhook is told for three days, then the message is parked, and sent again when a
// person asks for it. One that has left the configuration is forgotten.
func TestAWebhookThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := false
		h := &hook{no: []payment.ReportKind{payment.TellDelivered}}
		h.answer = func(int) payment.ReportAnswer {
			if up {
				return payment.ReportAnswer{Outcome: payment.ReportAccepted}
			}
			return payment.ReportAnswer{Code: "500"}
		}
		w := newWorld(t, withHook(h), func(w *world) { w.tick, w.bank.took = 20*time.Second, 0 })
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(70 * time.Hour)
		if p := w.record(rec.Ref).Report("shop", payment.TellVerified); p.State != payment.OpenReport {
			t.Fatalf("%+v", p)
		}
		time.Sleep(24 * time.Hour)
		p := w.record(rec.Ref).Report("shop", payment.TellVerified)
		if p.State != payment.ParkedReport || p.Tries < 8 || p.Tries > 20 || w.events.alerts(engine.EventUntold) != 1 {
			t.Fatalf("%+v, %d alerts", p, w.events.alerts(engine.EventUntold))
		}
		id := h.sales[0].EventID
		for _, s := range h.sales {
			if s.EventID != id {
				t.Fatal("a try has another id")
			}
		}
		if _, err := w.Resend(t.Context(), rec.Ref, "other", payment.Note{}); !errors.Is(err, engine.ErrNotPossible) {
			t.Errorf("%v", err)
		}
		up = true
		if _, err := w.Resend(t.Context(), rec.Ref, "shop", payment.Note{By: "sara"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if r := w.record(rec.Ref); r.Report("shop", payment.TellVerified) != nil || r.Count(payment.EntryReopened) != 1 {
			t.Errorf("%+v", r.Reports)
		}
		w.halt()
		r := w.record(rec.Ref)
		r.AddReport(payment.Report{To: "former", Kind: payment.TellDelivered, Since: time.Now(), Next: time.Now()})
		if err := w.store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go w.Run(ctx)
		time.Sleep(time.Minute)
		stop()
		if r := w.record(rec.Ref); r.Report("former", payment.TellDelivered) != nil {
			t.Errorf("%+v", r.Reports)
		}
	})
}

// The network is told once that a sale's money went back, with the id that it gave.
func TestACancellationIsReportedOnce(t *testing.T) {
	t.Parallel()
	for name, delivered := range map[string]bool{"after the report": true, "before it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &canceler{network: network{script: []payment.ReportAnswer{{Outcome: payment.ReportAccepted, Code: "202", Remember: "conv-7"}}}}
				w := newWorld(t, func(w *world) { w.affiliate, w.bank.took = c, 0 })
				defer w.halt()
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				if delivered {
					if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Second)
				}
				if _, err := w.Decide(t.Context(), rec.Ref, w.record(rec.Ref).Version, payment.DecideRepaid, payment.Note{By: "me"}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				r := w.record(rec.Ref)
				if !delivered {
					if len(c.sales) != 0 || r.ConversionState() != payment.WithdrawnReport {
						t.Errorf("%+v %+v", c.sales, r.Reports)
					}
					return
				}
				if len(c.sales) != 2 || c.sales[1].Kind != payment.ReportCancel || c.sales[1].Remembered != "conv-7" || r.Count(payment.EntryCancelled) != 1 {
					t.Errorf("%+v %+v", c.sales, r.Reports)
				}
			})
		})
	}
}

// The money goes back while the network takes its time to answer the report: the
// cancellation waits for the answer, which tells the id that it names.
func TestACancellationWaitsForTheReportsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &canceler{network: network{script: []payment.ReportAnswer{{Outcome: payment.ReportAccepted, Code: "202", Remember: "conv-7"}}}}
		c.during = func() {
			if len(c.sales) == 1 {
				time.Sleep(25 * time.Second)
			}
		}
		w := newWorld(t, func(w *world) { w.affiliate, w.bank.took = c, 0 })
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if _, err := w.Decide(t.Context(), rec.Ref, w.record(rec.Ref).Version, payment.DecideRepaid, payment.Note{By: "me"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(c.sales) != 2 || c.sales[1].Kind != payment.ReportCancel || c.sales[1].Remembered != "conv-7" {
			t.Errorf("%+v %+v", c.sales, w.record(rec.Ref).Reports)
		}
	})
}

// A network that refuses a sale is news for the webhook.
func TestARejectedConversionIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{}
		w := newWorld(t, withHook(h), func(w *world) {
			w.net.script = []payment.ReportAnswer{{Outcome: payment.ReportRejected, Code: "422"}}
			w.bank.took = 0
		})
		defer w.halt()
		rec := w.announce()
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if !slices.Contains(h.kinds(), payment.TellRejected) {
			t.Errorf("%v", h.kinds())
		}
	})
}

// Interface guards.
var (
	_ payment.Subscriber = (*hook)(nil)
	_ payment.Canceler   = (*canceler)(nil)
)

// away accepts each sale, and has the ledger fail in the same moment.
type away struct {
	w     *world
	for_  time.Duration
	calls atomic.Int32
}

func (a *away) Report(context.Context, payment.Sale) payment.ReportAnswer {
	a.calls.Add(1)
	a.w.down.unwritten.Store(true)
	time.AfterFunc(a.for_, func() { a.w.down.unwritten.Store(false) })
	return payment.ReportAnswer{Outcome: payment.ReportAccepted, Code: "202"}
}

// A sale that the network has taken isn't reported again, also where the ledger couldn't keep
// that for a while.
func TestASaleIsReportedOnceWhileTheLedgerIsAway(t *testing.T) {
	for _, d := range []time.Duration{time.Second, 30 * time.Second, 90 * time.Second, 4 * time.Minute} {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var network *away
				w := newWorld(t, func(w *world) {
					network = &away{w: w, for_: d}
					w.affiliate = network
					w.ledger = func(s *memory.Store) payment.Store { w.down.Store = s; return &w.down }
				})
				defer w.halt()
				ref := w.announce().Ref
				if res := w.Admit(t.Context(), w.ask()); res.Kind != engine.Verified {
					t.Fatal(res.Kind)
				}
				if _, err := w.deliver(ref, engine.Handed{Acked: true}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Minute)
				if r := w.record(ref); network.calls.Load() != 1 || len(r.Reports) != 1 || r.Reports[0].State != payment.SentReport {
					t.Errorf("%d reports, %+v", network.calls.Load(), r.Reports)
				}
			})
		})
	}
}
