package badger

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

func delivered(n int) *payment.Record { return storagetest.Delivered(n) }

// BenchmarkCommit compares the store's synced commits with those of Badger
// itself, with the same options and one entry of the same size per commit. Both
// run in turns, a few hundred milliseconds each, so that what else the machine
// does hits both.
func BenchmarkCommit(b *testing.B) {
	for _, workers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("goroutines=%d", workers), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "ledger"))
			c := newConfig(nil)
			c.memTable = 8 * mib
			raw, err := bdb.Open(badgerOptions(b.TempDir(), c).WithSyncWrites(true))
			if err != nil {
				b.Fatal(err)
			}
			defer raw.Close()
			body, err := packed.Body(delivered(1), 1)
			if err != nil {
				b.Fatal(err)
			}
			var n atomic.Uint64
			rawCommit := func() error {
				key := binary.BigEndian.AppendUint64(make([]byte, 9, 17), n.Add(1))
				return raw.Update(func(txn *bdb.Txn) error {
					if _, err := txn.Get(key); err == nil {
						return fmt.Errorf("twice")
					}
					return txn.Set(key, body)
				})
			}
			ourCommit := func() error {
				r := delivered(int(n.Add(1)))
				return s.Commit(context.Background(), payment.Change{Record: r, Take: r.Keys(false)})
			}
			var ours, theirs time.Duration
			const slice = 200
			for done := 0; done < b.N; done += slice {
				theirs += inParallel(b, workers, slice, rawCommit)
				ours += inParallel(b, workers, slice, ourCommit)
			}
			rounds := float64((b.N + slice - 1) / slice * slice)
			b.ReportMetric(rounds/ours.Seconds(), "commits/s")
			b.ReportMetric(rounds/theirs.Seconds(), "raw/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of_raw")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func inParallel(b *testing.B, workers, n int, f func() error) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				if err := f(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// BenchmarkLazy is what a lazy change costs its caller.
func BenchmarkLazy(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "ledger"))
	r := delivered(1)
	ctx := context.Background()
	if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
		b.Fatal(err)
	}
	var waited time.Duration
	for b.Loop() {
		start := time.Now()
		if err := s.Commit(ctx, payment.Change{Record: r, Lazy: true}); err != nil {
			b.Fatal(err)
		}
		waited += time.Since(start)
		b.StopTimer()
		if _, err := s.Get(ctx, r.Ref); err != nil { // waits for the sync
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(waited.Nanoseconds())/float64(b.N), "ns/lazy")
	b.ReportMetric(0, "ns/op")
}

// fill loads n delivered payments as the engine writes them: claimed, verified
// with their keys, delivering, delivered, reported.
func fill(b testing.TB, s *Store, from, to, workers int) {
	b.Helper()
	var next atomic.Int64
	next.Store(int64(from))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			ctx := context.Background()
			for {
				n := int(next.Add(1) - 1)
				if n >= to {
					return
				}
				final := delivered(n)
				r := final.Clone()
				r.State, r.Receipt, r.Reports, r.Delivery = payment.Verifying, nil, nil, payment.Delivery{}
				r.Return = &payment.Return{Method: "GET", Secure: true, Host: r.Site, URI: "/payment/verify?status=10&id=" + r.ID, Arrived: r.CreatedAt}
				r.Due = r.CreatedAt.Add(15 * time.Second)
				steps := []func() payment.Change{
					func() payment.Change { return payment.Change{Record: r} },
					func() payment.Change {
						r.State, r.Receipt, r.Reports = payment.Verified, final.Receipt, final.Reports
						return payment.Change{Record: r, Take: r.Keys(false)}
					},
					func() payment.Change {
						r.State, r.Delivery = payment.Delivering, final.Delivery
						return payment.Change{Record: r, Lazy: true}
					},
					func() payment.Change {
						r.State, r.Due, r.Return = payment.Delivered, time.Time{}, nil
						return payment.Change{Record: r, Lazy: true}
					},
				}
				for _, step := range steps {
					if err := s.Commit(ctx, step()); err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func dirSize(b testing.TB, dir string) (size int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".sst" {
			return err
		}
		st, err := d.Info()
		if err == nil {
			size += st.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// BenchmarkDisk measures what a delivered payment costs on disk, indices and all,
// after the compaction that a store does daily. PAYMENTS_BENCH_RECORDS sets how
// many there are; each is written as four commits.
func BenchmarkDisk(b *testing.B) {
	n := benchRecords(b, 100_000)
	for b.Loop() {
		s := open(b, filepath.Join(b.TempDir(), "ledger"))
		fill(b, s, 0, n, 64)
		s = reopen(b, s)
		before := dirSize(b, s.dir)
		must(b, s.sieveAll(b.Context()))
		s.compact()
		b.ReportMetric(float64(before)/float64(n), "B/payment-raw")
		b.ReportMetric(float64(dirSize(b, s.dir))/float64(n), "B/payment")
	}
}

func benchRecords(b testing.TB, otherwise int) int {
	if v := os.Getenv("PAYMENTS_BENCH_RECORDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return otherwise
}

// BenchmarkFind is [storagetest.Find] with as many payments as PAYMENTS_BENCH_RECORDS says.
func BenchmarkFind(b *testing.B) {
	n := benchRecords(b, 100_000)
	dir := filledWith(b, "mixed", n, storagetest.Mixed)
	s := open(b, dir)
	must(b, s.sieveAll(b.Context()))
	storagetest.Find(b, s, n, func() float64 { return float64(dirSize(b, dir)) / float64(n) })
}
