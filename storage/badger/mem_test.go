package badger

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// BenchmarkMemory is what an open store costs at rest, after some work.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		debug.FreeOSMemory()
		heap, rss := memory(b)
		s := open(b, filepath.Join(b.TempDir(), "ledger"))
		bulk(b, s, 0, 50_000, delivered)
		s = reopen(b, s)
		for i := range 1000 {
			if _, err := s.Get(b.Context(), delivered(i).Ref); err != nil {
				b.Fatal(err)
			}
		}
		debug.FreeOSMemory()
		after, rssAfter := memory(b)
		b.ReportMetric((after-heap)/mib, "MiB-heap")
		b.ReportMetric((rssAfter-rss)/mib, "MiB-anonymous")
	}
}

// memory is the heap in use and the process's anonymous memory: pages of mapped
// files are the kernel's to take back.
func memory(b *testing.B) (heap, anon float64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return float64(m.HeapInuse), 0
	}
	for line := range strings.Lines(string(status)) {
		var kb float64
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			for _, c := range rest {
				if c >= '0' && c <= '9' {
					kb = kb*10 + float64(c-'0')
				}
			}
			anon = kb * 1024
		}
	}
	return float64(m.HeapInuse), anon
}
