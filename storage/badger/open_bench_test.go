package badger

import (
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkOpen is how long a ledger takes to open, all of its tables being read
// and compared with their checksums, and how much of that is the reading.
func BenchmarkOpen(b *testing.B) {
	n := benchRecords(b, 100_000)
	dir := filepath.Join(b.TempDir(), "ledger")
	s := open(b, dir)
	bulk(b, s, n)
	must(b, s.Close())
	size := dirSize(b, dir)
	var opening, checking time.Duration
	rounds := 0
	for b.Loop() {
		rounds++
		start := time.Now()
		tables, err := s.checkManifest()
		must(b, err)
		must(b, checkTables(dir, tables))
		checking += time.Since(start)
		start = time.Now()
		opened, err := Open(dir)
		must(b, err)
		opening += time.Since(start)
		must(b, opened.Close())
	}
	b.ReportMetric(opening.Seconds()*1000/float64(rounds), "ms/open")
	b.ReportMetric(checking.Seconds()*1000/float64(rounds), "ms/check")
	b.ReportMetric(float64(size)/mib*float64(rounds)/checking.Seconds(), "MiB/s")
	b.ReportMetric(0, "ns/op")
}
