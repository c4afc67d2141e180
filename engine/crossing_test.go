package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// buy is one of our checkouts, paid.
func (w *world) buy() *payment.Record {
	w.t.Helper()
	_, rec, err := w.Purchase(w.t.Context(), engine.Purchase{
		Site: "shop", Route: "/callback idpay", Provider: "idpay", Order: "101", Amount: 50000, Item: "book",
		Ref: payment.CheckoutRef("shop", idpayTraits.Issuer, "101"), ReturnURL: "https://shop/callback",
		Return: payment.Return{Method: "GET", Host: "shop", URI: "/callback"},
		Track:  &payment.Track{ID: "trk", Affiliate: "hamekar"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	a := w.ask()
	a.Ref = rec.Ref
	if res := w.Admit(w.t.Context(), a); res.Kind != engine.Verified {
		w.t.Fatalf("%+v", res)
	}
	return rec
}

// A buyer who opens the paid page while the shop is being told writes to the
// same record: the shop's answer must not get lost by it.
func TestOpeningWhatIsBeingDeliveredLosesNoAck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.shop.policy.Once = true })
		defer w.halt()
		ref := w.buy().Ref
		now, err := w.Deliver(t.Context(), w.record(ref), w.byBrowser(), func(context.Context, *payment.Record) engine.Handed {
			if _, room, err := w.Open(t.Context(), ref, "shop", []string{"book"}, "device", 5); err != nil || !room {
				t.Error(room, err)
			}
			return engine.Handed{Acked: true, Status: 200}
		})
		if err != nil || now.State != payment.Delivered {
			t.Errorf("after the shop's answer: %s, %v", now.State, err)
		}
		time.Sleep(5 * time.Minute)
		if r := w.wantState(ref, payment.Delivered); len(r.Devices) != 1 || w.net.count() != 1 {
			t.Errorf("%d devices, %d reports", len(r.Devices), w.net.count())
		}
	})
}

func TestOpeningWhatIsBeingReportedReportsNothingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		ref := w.buy().Ref
		w.net.during = func() {
			if _, _, err := w.Open(t.Context(), ref, "shop", []string{"book"}, time.Now().String(), 5); err != nil {
				t.Error(err)
			}
		}
		if _, err := w.deliver(ref, engine.Handed{Acked: true, Status: 200}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if r := w.record(ref); w.net.count() != 1 || r.ConversionState() != payment.SentReport {
			t.Errorf("%d reports, the conversion is %s", w.net.count(), r.ConversionState())
		}
	})
}
