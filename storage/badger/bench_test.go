package badger

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// delivered is a payment as it lies in the ledger for ever, with the lengths
// and the entropy of real ones.
func delivered(n int) *payment.Record {
	src := rand.New(rand.NewPCG(uint64(n), 7))
	hex := func(digits int) string {
		b := make([]byte, digits)
		for i := range b {
			b[i] = "0123456789abcdef"[src.IntN(16)]
		}
		return string(b)
	}
	at := time.Date(2026, 3, 21, 8, 0, 0, 0, time.UTC).Add(time.Duration(n) * 7 * time.Second).Add(time.Duration(src.IntN(1e9)))
	after := func(d time.Duration) time.Time { return at.Add(d + time.Duration(src.IntN(1e9))) }
	r := &payment.Record{
		Site: "shop.example.ir", Route: "/payment/verify", Provider: "idpay", Issuer: "idpay:api.idpay.ir:live",
		Environment: "live", ID: hex(32), Order: strconv.Itoa(100000 + n), State: payment.Delivered, Code: "100",
		Expect:     payment.Expectation{Amount: payment.Rials(10000 * (1 + src.IntN(5000))), Source: payment.FromSigned},
		Generation: 1,
		Attempts:   payment.Attempts{Count: 1, First: at, Last: at, Claimed: true},
		Lease:      payment.Lease{Owner: "5d41402abc4b2a76b9719d911017c592", Epoch: 2},
		CreatedAt:  at, UpdatedAt: after(2 * time.Second),
	}
	r.Receipt = &payment.Receipt{ID: r.ID, Order: r.Order, Amount: r.Expect.Amount, Paid: r.Expect.Amount,
		Number: strconv.Itoa(1000000000 + n), Reference: strconv.Itoa(100000000000 + src.IntN(900000000000)),
		Card:   strconv.Itoa(603799+src.IntN(1000)) + "******" + strconv.Itoa(1000+src.IntN(9000)),
		PaidAt: at.Add(-20 * time.Second).Truncate(time.Second), VerifiedAt: at.Truncate(time.Second)}
	r.Delivery = payment.Delivery{Count: 1, Via: payment.ViaBrowser, First: after(time.Second), Last: after(time.Second),
		Status: 302, Location: "/order/" + r.Order + "/thanks", Browser: hex(32)}
	r.Track = payment.Track{ID: hex(24), Affiliate: "hamekar", Landing: "/product/" + strconv.Itoa(src.IntN(5000)), At: at.Add(-time.Hour)}
	r.Reports = []payment.Report{{To: "hamekar", Kind: payment.ReportSale, State: payment.SentReport, Tries: 1, Last: "202",
		Since: after(time.Second), SentAt: after(3 * time.Second)}}
	ms := func(t time.Time) time.Time { return t.Truncate(time.Millisecond) }
	r.History = []payment.Entry{
		{At: ms(at), Kind: payment.EntryAsked}, {At: ms(after(time.Second)), Kind: payment.EntryConfirmed},
		{At: ms(r.Delivery.First), Kind: payment.EntryHanded}, {At: ms(r.UpdatedAt), Kind: payment.EntryCredited},
		{At: ms(r.Reports[0].SentAt), Kind: payment.EntryReported},
	}
	r.Ref = payment.NewRef(r.Site, r.Issuer, r.ID, r.Order)
	return r
}

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

// BenchmarkFind is how long one page of what people look for takes, in the worst of its
// repetitions. PAYMENTS_BENCH_RECORDS sets how many payments there are; the budget is 100
// ms at 100,000 and 200 ms at 1,000,000.
func BenchmarkFind(b *testing.B) {
	n := benchRecords(b, 100_000)
	s := open(b, filled(b, n))
	must(b, s.sieveAll(b.Context()))
	ctx := context.Background()
	rare := delivered(n / 2)
	if r, err := s.Get(ctx, rare.Ref); err != nil {
		b.Fatal(err)
	} else {
		r.State = payment.Reversed
		if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
			b.Fatal(err)
		}
	}
	term := func(f payment.Field, value string) []payment.Term {
		return []payment.Term{payment.NewTerm(f, value)}
	}
	for name, q := range map[string]payment.Listing{
		"bank_reference":  {Search: term(payment.FieldReference, rare.Receipt.Reference)},
		"last_four":       {Search: term(payment.FieldCard, rare.Receipt.Card)},
		"receipt_number":  {Search: term(payment.FieldNumber, rare.Receipt.Number)},
		"amount":          {Search: term(payment.FieldAmount, rare.Expect.Amount.String())},
		"short_reference": {Search: term(payment.FieldRef, string(rare.Ref[:8]))},
		"all_at_once": {Search: slices.Concat(term(payment.FieldOrder, rare.Order), term(payment.FieldID, rare.Order), term(payment.FieldTrack, rare.Order),
			term(payment.FieldReference, rare.Order), term(payment.FieldNumber, rare.Order), term(payment.FieldAmount, rare.Order))},
		"a_day":           {From: rare.CreatedAt.Add(-12 * time.Hour), To: rare.CreatedAt.Add(12 * time.Hour)},
		"rare_state":      {States: []payment.State{payment.Reversed}},
		"in_progress":     {States: []payment.State{payment.Created, payment.Verifying, payment.Unknown, payment.Verified, payment.Delivering}},
		"absent_provider": {Provider: "none"},
		"absent_site":     {Site: "none.example"},
		"waiting":         {Waiting: true},
	} {
		q.Limit = 50
		b.Run(name, func(b *testing.B) {
			worst := time.Duration(0)
			for b.Loop() {
				start := time.Now()
				if _, err := s.List(ctx, q); err != nil {
					b.Fatal(err)
				}
				worst = max(worst, time.Since(start))
			}
			b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
		})
	}
}
