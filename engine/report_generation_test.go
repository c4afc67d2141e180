package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A ledger that was put back may have forgotten that a network took a report: nothing that
// was open in it is sent by itself, and a person is told. Their "send it again" is of this
// generation.
func TestRule11AReportOfALostLedgerIsSentByNobody(t *testing.T) {
	t.Parallel()
	down := payment.ReportAnswer{Outcome: payment.ReportRetry, Code: "500"}
	for name, c := range map[string]struct {
		// deliverAfter: the shop is told after the ledger was put back.
		deliverAfter bool
		renew        bool
		sent         int // after the restore
		want         payment.ReportState
	}{
		"the same ledger":                      {sent: 1, want: payment.SentReport},
		"tried before":                         {renew: true, want: payment.PerhapsReport},
		"the shop is told once more":           {deliverAfter: true, renew: true, want: payment.PerhapsReport},
		"the shop is told, in the same ledger": {deliverAfter: true, sent: 1, want: payment.SentReport},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.net.script = []payment.ReportAnswer{down} })
				defer w.halt()
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				hand := func() {
					if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
						t.Fatal(err)
					}
				}
				if !c.deliverAfter {
					hand()
					time.Sleep(2 * time.Second)
				}
				if c.renew {
					w.store.Renew()
				}
				before := w.net.count()
				w.net.say(payment.ReportAnswer{Outcome: payment.ReportAccepted, Code: "202"})
				if c.deliverAfter {
					hand()
				}
				time.Sleep(24 * time.Hour)
				r := w.record(rec.Ref)
				if n := w.net.count() - before; n != c.sent || r.ConversionState() != c.want {
					t.Fatalf("%d calls, want %d; %+v", n, c.sent, r.Reports)
				}
				if !c.renew {
					return
				}
				if n := w.events.alerts(engine.EventUnconverted); n != 1 || r.Sale().Last != string(payment.ReasonOldGeneration) {
					t.Errorf("%d alerts, %+v", n, r.Reports)
				}
				if _, err := w.Resend(t.Context(), rec.Ref, "", payment.Note{By: "sara", Text: "not in its panel"}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if r := w.record(rec.Ref); w.net.count()-before != 1 || r.ConversionState() != payment.SentReport {
					t.Errorf("a person said so: %d calls, %+v", w.net.count()-before, r.Reports)
				}
			})
		})
	}
}

// What is sold after the loss is reported, though its payment began before.
func TestRule11ASaleAfterTheLossIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.net.script = []payment.ReportAnswer{{Outcome: payment.ReportAccepted, Code: "202"}}
		})
		defer w.halt()
		rec := w.announce()
		w.store.Renew()
		w.Admit(t.Context(), w.ask())
		if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if s := w.record(rec.Ref).ConversionState(); s != payment.SentReport {
			t.Errorf("it is %s", s)
		}
	})
}

// Money that goes back before the worker has looked: the network may have the sale, so it
// hears of the cancellation.
func TestRule11ASaleOfALostLedgerThatIsRepaidIsCancelled(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"lost": true, "not lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				net := &canceler{network: network{script: []payment.ReportAnswer{{Outcome: payment.ReportAccepted}}}}
				w := newWorld(t, func(w *world) { w.affiliate = net })
				rec := w.announce()
				w.Admit(t.Context(), w.ask())
				w.halt() // no worker: it has not looked
				if _, err := w.deliver(rec.Ref, engine.Handed{Acked: true, Status: 200}); err != nil {
					t.Fatal(err)
				}
				if lost {
					w.store.Renew()
				}
				r := w.record(rec.Ref)
				r, err := w.Decide(t.Context(), rec.Ref, r.Version, payment.DecideRepaid, payment.Note{By: "sara", Text: "991"})
				if err != nil {
					t.Fatal(err)
				}
				if c := r.Report("hamekar", payment.ReportCancel); (c != nil) != lost {
					t.Errorf("%+v", r.Reports)
				}
			})
		})
	}
}
