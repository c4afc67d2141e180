package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// A network that was told of a sale is told once that its money went back, when the
// gateway gave all of it back, and not for a part; one that was not told yet never hears
// of the sale. A webhook hears that the payment is reversed.
func TestAGatewaysRefundIsCancelled(t *testing.T) {
	t.Parallel()
	for name, reported := range map[string]bool{"after the report": true, "before it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := memory.New(nil)
				g := &giving{bank: &bank{t: t, store: store, traits: idpayTraits}, terms: payment.GiveBackTerms{Partial: true}, answer: gave(payment.GiveBackDone)}
				c := &canceler{network: network{script: []payment.ReportAnswer{{Outcome: payment.ReportAccepted, Code: "202"}}}}
				h := &hook{}
				e, err := engine.New(t.Context(), engine.Config{
					Store: store, Sites: &shop{}, Observer: &events{}, Providers: map[string]engine.Provider{"idpay": {Provider: g, Timeout: time.Second}},
					Affiliates: map[string]payment.Reporter{"hamekar": c}, Webhooks: map[string]payment.Subscriber{"shop": h},
				})
				if err != nil {
					t.Fatal(err)
				}
				sale := payment.Report{To: "hamekar", Kind: payment.ReportSale, State: payment.SentReport, Tries: 1, Remembered: "conv-7"}
				if !reported {
					sale.State, sale.Remembered, sale.Tries, sale.Next = payment.OpenReport, "", 0, time.Now().Add(time.Hour)
				}
				rec := &payment.Record{
					Ref: payment.NewRef("shop", g.traits.Issuer, "K1", "101"), Site: "shop", Provider: "idpay", Issuer: g.traits.Issuer, Environment: "live",
					ID: "K1", Order: "101", State: payment.Delivered, Expect: payment.Expectation{Amount: 50_000, Source: payment.FromIntent},
					Receipt: &payment.Receipt{ID: "K1", Order: "101", Amount: 50_000, Number: "77"}, CreatedAt: time.Now().UTC(),
					Track: payment.Track{ID: "click-1", Affiliate: "hamekar"}, Reports: []payment.Report{sale},
				}
				if err := store.Commit(t.Context(), payment.Change{Record: rec, Take: rec.Keys(false)}); err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(context.Background())
				done := make(chan struct{})
				go func() { defer close(done); e.Run(ctx) }()
				defer func() { stop(); <-done }()
				if _, err := e.GiveBack(t.Context(), rec.Ref, engine.GiveBack{Kind: payment.KindRefund, Amount: 20_000}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if len(c.sales) != 0 {
					t.Errorf("a part went back, and the network heard %+v", c.sales)
				}
				if _, err := e.GiveBack(t.Context(), rec.Ref, engine.GiveBack{Kind: payment.KindRefund}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Hour)
				if kinds := h.kinds(); len(kinds) != 1 || kinds[0] != payment.TellReversed {
					t.Errorf("the webhook heard %v", kinds)
				}
				if !reported {
					if len(c.sales) != 0 {
						t.Errorf("the network heard %+v", c.sales)
					}
					return
				}
				if len(c.sales) != 1 || c.sales[0].Kind != payment.ReportCancel || c.sales[0].Remembered != "conv-7" {
					t.Errorf("the network heard %+v", c.sales)
				}
			})
		})
	}
}
