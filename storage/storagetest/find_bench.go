package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Find measures how long one page of what people look for takes, in the worst of its
// repetitions, in a ledger of the first n payments of [Mixed]. The budget is 100 ms at
// 100,000 payments and 200 ms at 1,000,000. size gives the bytes on disk a payment.
func Find(b *testing.B, s payment.Store, n int, size func() float64) {
	ctx := b.Context()
	rare := Mixed(n / 2)
	for i, st := range []payment.State{payment.Reversed, payment.Verifying} {
		r, err := s.Get(ctx, Mixed(n/2-2*i).Ref)
		if err != nil {
			b.Fatal(err)
		}
		r.State = st
		if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
			b.Fatal(err)
		}
	}
	for _, f := range findings(rare) {
		f.q.Limit = 50
		b.Run(f.name, func(b *testing.B) {
			worst, found := time.Duration(0), 0
			for b.Loop() {
				start := time.Now()
				p, err := s.List(ctx, f.q)
				if err != nil {
					b.Fatal(err)
				}
				worst, found = max(worst, time.Since(start)), len(p.Records)
			}
			b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
			b.ReportMetric(float64(found), "found")
			b.ReportMetric(size(), "B/payment")
			b.ReportMetric(0, "ns/op")
		})
	}
}

type finding struct {
	name string
	q    payment.Listing
}

// findings are the ways of finding payment rare.
func findings(rare *payment.Record) []finding {
	term := func(f payment.Field, value string) []payment.Term {
		return []payment.Term{payment.NewTerm(f, value)}
	}
	return []finding{
		{"bank_reference", payment.Listing{Search: term(payment.FieldReference, rare.Receipt.Reference)}},
		{"last_four", payment.Listing{Search: term(payment.FieldCard, rare.Receipt.Card)}},
		{"receipt_number", payment.Listing{Search: term(payment.FieldNumber, rare.Receipt.Number)}},
		{"amount", payment.Listing{Search: term(payment.FieldAmount, rare.Expect.Amount.String())}},
		{"short_reference", payment.Listing{Search: term(payment.FieldRef, string(rare.Ref[:8]))}},
		{"all_at_once", payment.Listing{Search: slices.Concat(term(payment.FieldOrder, rare.Order), term(payment.FieldID, rare.Order), term(payment.FieldTrack, rare.Order),
			term(payment.FieldReference, rare.Order), term(payment.FieldNumber, rare.Order), term(payment.FieldAmount, rare.Order))}},
		{"a_day", payment.Listing{From: rare.CreatedAt.Add(-12 * time.Hour), To: rare.CreatedAt.Add(12 * time.Hour)}},
		{"rare_state", payment.Listing{States: []payment.State{payment.Reversed}}},
		{"in_progress", payment.Listing{States: []payment.State{payment.Created, payment.Verifying, payment.Unknown, payment.Verified, payment.Delivering}}},
		{"absent_provider", payment.Listing{Provider: "none"}},
		{"absent_site", payment.Listing{Site: "none.example"}},
		{"waiting", payment.Listing{Waiting: true}},
	}
}
