package badger

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// benchDirVariable names the environment variable that says where filled ledgers
// are kept between benchmarks. Ten million payments take minutes to write.
const benchDirVariable = "PAYMENTS_BENCH_DIR"

// filled gives the directory of a closed ledger with n delivered payments. Of many,
// all but the last of fifty are written in order, into tables as large as
// compactions make them at ten million, and the rest as changes, so that each of
// Badger's levels has something.
func filled(b testing.TB, n int) string {
	b.Helper()
	return filledWith(b, "", n, delivered)
}

// filledWith is filled with other payments, whose kind has a name.
func filledWith(b testing.TB, kind string, n int, nth func(int) *payment.Record) string {
	b.Helper()
	root := os.Getenv(benchDirVariable)
	if root == "" {
		root = b.TempDir()
	}
	dir := filepath.Join(root, kind+strconv.Itoa(n), "ledger")
	if _, err := os.Stat(dir); err == nil {
		return dir
	} else if !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	making := filepath.Join(root, kind+strconv.Itoa(n)+".making")
	must(b, os.RemoveAll(making))
	at := filepath.Join(making, "ledger")
	streamed := 0
	if n > 100_000 {
		streamed = n - n/50
		stream(b, at, streamed, nth)
	}
	s, err := Open(at)
	must(b, err)
	<-s.counts.counted
	bulk(b, s, streamed, n, nth)
	s.compact()
	must(b, s.Close())
	must(b, os.Rename(making, filepath.Join(root, kind+strconv.Itoa(n))))
	return dir
}

// bulk loads payments in their last form, without the way there: for
// stores of millions.
func bulk(b testing.TB, s *Store, begin, n int, nth func(int) *payment.Record) {
	b.Helper()
	const part = 150
	var next atomic.Int64
	next.Store(int64(begin))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				from := int(next.Add(part)) - part
				if from >= n {
					return
				}
				if err := bulkPart(s, from, min(from+part, n), nth); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func bulkPart(s *Store, from, to int, nth func(int) *payment.Record) error {
	var ws []write
	for i := from; i < to; i++ {
		w, err := writesOf(nth(i))
		if err != nil {
			return err
		}
		ws = append(ws, w...)
	}
	return s.queue.Submit(&change{Ctx: context.Background(),
		Stage:   func(getter) ([]write, error) { return ws, nil },
		Settled: func() { s.counts.records.Add(int64(to - from)) }})
}

// writesOf gives all that the ledger holds of a payment.
func writesOf(r *payment.Record) ([]write, error) {
	k, _ := r.Ref.Bytes()
	body, err := packed.Body(r, 1)
	if err != nil {
		return nil, err
	}
	ws, _, err := stageCommit(func([]byte) ([]byte, error) { return nil, nil }, nil, k, versioned(r), body, keysOf(r))
	return ws, err
}

func versioned(r *payment.Record) *payment.Record {
	c := *r
	c.Version = 1
	return &c
}

// keysOf are the keys that a payment holds: one that was not paid has none.
func keysOf(r *payment.Record) []payment.Key {
	if r.Receipt == nil {
		return nil
	}
	return r.Keys(false)
}
