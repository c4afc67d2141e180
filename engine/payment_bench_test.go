package engine_test

import (
	"context"
	"net/url"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// quickBank is a gateway that says "paid" at once.
type quickBank struct{ terms payment.Terms }

func (b quickBank) Protocol() payment.Protocol { return b.terms.Protocol }
func (b quickBank) Traits() payment.Traits     { return b.terms.Traits }
func (quickBank) ReadReturn(func(string) string) (payment.Claimed, error) {
	return payment.Claimed{}, nil
}
func (quickBank) PayPage(*url.URL) (string, bool)                { return "", false }
func (quickBank) ReturnParams(*payment.Record) map[string]string { return nil }
func (quickBank) Verify(_ context.Context, q payment.Query) payment.Answer {
	return payment.Answer{Outcome: payment.OutcomePaid, Receipt: &payment.Receipt{
		ID: q.ID, Order: q.Order, Amount: q.Amount, Number: "7" + q.ID, Reference: q.ID, Card: "123456******1234",
	}}
}

// BenchmarkPayment is what one payment costs the engine and its ledger: a signed return
// of a payment that nothing is known of, verified and delivered once. The provider and
// the shop answer at once.
func BenchmarkPayment(b *testing.B) {
	for name, open := range map[string]func(*testing.B) payment.Store{
		"memory": func(*testing.B) payment.Store { return memory.New(nil) },
		"badger": func(b *testing.B) payment.Store {
			s, err := badger.Open(filepath.Join(b.TempDir(), "ledger"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = s.Close() })
			return s
		},
	} {
		b.Run(name, func(b *testing.B) {
			policy, terms := engine.Policy{Once: true}, idpayTraits
			e, err := engine.New(b.Context(), engine.Config{
				Store: open(b), Sites: &shop{policy: policy},
				Providers: map[string]engine.Provider{"idpay": {Provider: quickBank{terms}, Timeout: 8 * time.Second}},
			})
			if err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					order := strconv.FormatInt(n.Add(1), 10)
					id := "K" + order
					res := e.Admit(b.Context(), engine.Ask{
						Site: "shop", Route: "/callback idpay", Provider: "idpay", Order: order, Proof: true,
						Claimed: payment.Claimed{ID: id, Order: order, Hint: payment.HintPaid},
						Expect: func(context.Context, string) (payment.Expectation, error) {
							return payment.Expectation{Source: payment.FromSigned, Amount: 50000}, nil
						},
						Policy: policy, Client: "192.0.2.1", Patience: 8 * time.Second,
						Return: payment.Return{Method: "GET", Host: "shop", URI: "/callback?id=" + id},
					})
					if res.Kind != engine.Verified {
						b.Errorf("%+v", res)
						return
					}
					_, err := e.Deliver(b.Context(), res.Record, engine.Delivery{Via: payment.ViaBrowser, Browser: "browser", Policy: policy},
						func(context.Context, *payment.Record) engine.Handed { return engine.Handed{Acked: true, Status: 200} })
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
