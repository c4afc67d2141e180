package badger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// BenchmarkLookup looks payments up at random in a ledger of ten thousand and in
// one of PAYMENTS_BENCH_RECORDS (default: a million; the goal is stated for ten
// million), in turns: by reference, by the provider's id, and ids that nobody
// paid.
func BenchmarkLookup(b *testing.B) {
	const few = 10_000
	many := benchRecords(b, 1_000_000)
	small, large := open(b, filled(b, few)), open(b, filled(b, many))
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	ctx := context.Background()
	for _, by := range []struct {
		name string
		read func(s *Store, r *payment.Record) error
	}{
		{"ref", func(s *Store, r *payment.Record) error {
			_, err := s.Get(ctx, r.Ref)
			return err
		}},
		{"id", func(s *Store, r *payment.Record) error {
			ref, err := s.Holder(ctx, payment.ReceiptKey(r.Issuer, r.ID))
			if err == nil && ref != r.Ref {
				return fmt.Errorf("%s is said to be of %s", r.ID, ref)
			}
			return err
		}},
		{"unknown", func(s *Store, r *payment.Record) error {
			_, err := s.Holder(ctx, payment.ReceiptKey(r.Issuer, "not "+r.ID))
			if !errors.Is(err, payment.ErrNotFound) {
				return fmt.Errorf("an id that nobody paid: %w", err)
			}
			return nil
		}},
	} {
		b.Run("by="+by.name, func(b *testing.B) {
			read := func(s *Store, of []*payment.Record, n int) time.Duration {
				start := time.Now()
				for range n {
					if err := by.read(s, of[rand.IntN(len(of))]); err != nil {
						b.Fatal(err)
					}
				}
				return time.Since(start)
			}
			of := func(n int) []*payment.Record {
				out := make([]*payment.Record, 10_000)
				for i := range out {
					out[i] = delivered(rand.IntN(n))
				}
				return out
			}
			ofSmall, ofLarge := of(few), of(many)
			read(small, ofSmall, 2*len(ofSmall))
			read(large, ofLarge, 2*len(ofLarge))
			var quick, slow time.Duration
			const slice = 500
			b.ResetTimer()
			for done := 0; done < b.N; done += slice {
				quick += read(small, ofSmall, slice)
				slow += read(large, ofLarge, slice)
			}
			n := float64((b.N + slice - 1) / slice * slice)
			b.ReportMetric(float64(quick.Nanoseconds())/n, fmt.Sprintf("ns/of-%d", few))
			b.ReportMetric(float64(slow.Nanoseconds())/n, fmt.Sprintf("ns/of-%d", many))
			b.ReportMetric(slow.Seconds()/quick.Seconds(), "ratio")
			b.ReportMetric(float64(mem.HeapInuse)/mib, "MiB-heap")
			b.ReportMetric(0, "ns/op")
		})
	}
}
