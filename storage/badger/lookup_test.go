package badger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// bulk loads delivered payments in their last form, without the way there: for
// stores of millions.
func bulk(b testing.TB, s *Store, n int) {
	b.Helper()
	const part = 150
	var next *change
	for from := 0; from < n; from += part {
		var ws []write
		for i := from; i < min(from+part, n); i++ {
			r := delivered(i)
			k, _ := packed.Ref(r.Ref)
			body, err := packed.Body(r, 1)
			if err != nil {
				b.Fatal(err)
			}
			w, err := stageCommit(func([]byte) ([]byte, error) { return nil, nil }, k, versioned(r), body, r.Keys(false))
			if err != nil {
				b.Fatal(err)
			}
			ws = append(ws, w...)
		}
		next = &change{ctx: context.Background(), stage: func(getter) ([]write, error) { return ws, nil }}
		if err := s.submit(next); err != nil {
			b.Fatal(err)
		}
	}
}

func versioned(r *payment.Record) *payment.Record {
	c := *r
	c.Version = 1
	return &c
}

// BenchmarkLookup reads records at random from a store of ten thousand and from
// one of PAYMENTS_BENCH_RECORDS (default: a million; the goal is stated for ten
// million), in turns. It also measures how long the large one takes to open.
func BenchmarkLookup(b *testing.B) {
	const few = 10_000
	many := benchRecords(b, 1_000_000)
	load := func(n int) *Store {
		s := open(b, filepath.Join(b.TempDir(), "ledger"))
		bulk(b, s, n)
		s = reopen(b, s)
		s.compact()
		return s
	}
	small, large := load(few), load(many)
	start := time.Now()
	large = reopen(b, large)
	opened := time.Since(start)
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)

	smallRefs, largeRefs := make([]payment.Ref, few), make([]payment.Ref, 50_000)
	for i := range smallRefs {
		smallRefs[i] = delivered(i).Ref
	}
	for i := range largeRefs {
		largeRefs[i] = delivered(rand.IntN(many)).Ref
	}
	read := func(s *Store, refs []payment.Ref, n int) time.Duration {
		start := time.Now()
		for range n {
			if _, err := s.Get(context.Background(), refs[rand.IntN(len(refs))]); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	read(small, smallRefs, 20_000)
	read(large, largeRefs, 50_000)
	var quick, slow time.Duration
	b.ResetTimer()
	const slice = 1000
	for done := 0; done < b.N; done += slice {
		quick += read(small, smallRefs, slice)
		slow += read(large, largeRefs, slice)
	}
	n := float64((b.N + slice - 1) / slice * slice)
	b.ReportMetric(float64(quick.Nanoseconds())/n, fmt.Sprintf("ns/get-of-%d", few))
	b.ReportMetric(float64(slow.Nanoseconds())/n, fmt.Sprintf("ns/get-of-%d", many))
	b.ReportMetric(slow.Seconds()/quick.Seconds(), "ratio")
	b.ReportMetric(opened.Seconds(), "s/open")
	b.ReportMetric(float64(dirSize(b, large.dir))/float64(many), "B/payment")
	b.ReportMetric(float64(mem.HeapInuse)/mib, "MiB-heap")
	b.ReportMetric(0, "ns/op")
}
