package badger

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/storage/badger/preflight"
)

// BenchmarkOpen is how long a ledger takes to open, and its parts: all of its tables
// being read and compared with what they were, the same where nothing is
// remembered of them, and Badger's own opening. What remains is the journal, and
// what the store looks for. The files are in the page cache from the second
// round on, unless [coldVariable] is set.
func BenchmarkOpen(b *testing.B) {
	n := benchRecords(b, 100_000)
	dir := filled(b, n)
	s := open(b, dir) // from now on all tables are known
	must(b, s.Close())
	size := dirSize(b, dir)
	var opening, checking, unpacking, badger, closing time.Duration
	timed := func(d *time.Duration, f func() error) {
		forgetPages(b)
		start := time.Now()
		must(b, f())
		*d += time.Since(start)
	}
	rounds, tables := 0, 0
	checked := preflight.Options{Badger: badgerOptions(dir, s.cfg), Journal: filepath.Join(dir, journalDir), Log: s.log}
	for b.Loop() {
		rounds++
		look := func() error {
			found, err := preflight.Check(dir, checked)
			if err == nil {
				tables = len(found.Tables.Sums())
			}
			return err
		}
		timed(&checking, look)
		must(b, os.Remove(filepath.Join(dir, preflight.SumsFile)))
		timed(&unpacking, look)
		var db *bdb.DB
		timed(&badger, func() (err error) { db, err = preflight.Open(badgerOptions(dir, s.cfg)); return err })
		must(b, db.Close())
		timed(&opening, func() (err error) { s, err = Open(dir); return err })
		start := time.Now()
		must(b, s.Close())
		closing += time.Since(start)
	}
	ms := func(d time.Duration, what string) { b.ReportMetric(d.Seconds()*1000/float64(rounds), what) }
	ms(opening, "ms/open")
	ms(checking, "ms/check")
	ms(unpacking, "ms/check-unknown")
	ms(badger, "ms/badger")
	ms(closing, "ms/close")
	b.ReportMetric(float64(tables), "tables")
	b.ReportMetric(float64(size)/float64(n), "B/payment")
	b.ReportMetric(float64(size)/mib*float64(rounds)/checking.Seconds(), "MiB/s")
	b.ReportMetric(0, "ns/op")
}

// coldVariable names the environment variable that has the page cache emptied
// before each measurement, which only root can do, and only on Linux.
const coldVariable = "PAYMENTS_BENCH_COLD"

func forgetPages(b *testing.B) {
	b.Helper()
	if os.Getenv(coldVariable) == "" {
		return
	}
	must(b, os.WriteFile(filepath.FromSlash("/proc/sys/vm/drop_caches"), []byte("1"), 0o600))
}
