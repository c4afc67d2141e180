package badger

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Tracks of an older version stand in no order but that of their expiry. They go
// too, and what is trimmed leaves nothing behind.
func TestTrimTracksOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "ledger"), WithMaxTracks(20))
	ctx, later := context.Background(), s.Now().Add(time.Hour)
	for i := range 100 {
		value, err := packed.Track(payment.Track{ID: strconv.Itoa(i)}, later)
		must(t, err)
		hash := visitorHash(strconv.Itoa(i))
		must(t, s.submit(&change{ctx: ctx, stage: func(getter) ([]write, error) {
			return []write{{key: trackKey(hash), value: value}, {key: expiryKey(later, hash), value: []byte{}}}, nil
		}, settled: func() { s.tracks.Add(1) }}))
	}
	must(t, s.PutTrack(ctx, "7", payment.Track{ID: "again"}, later))
	must(t, s.PutTrack(ctx, "new", payment.Track{ID: "new"}, later))
	want := map[byte]int{tableTrack: 20, tableExpiry: 20}
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		got := map[byte]int{}
		must(t, s.view(ctx, func(txn *bdb.Txn) error {
			for table := range want {
				n, _ := countPrefix(ctx, txn, table)
				got[table] = int(n)
			}
			return nil
		}))
		if got[tableTrack] == 20 && got[tableExpiry] == 20 {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("%v are left, want %v", got, want)
		}
	}
	if n := s.tracks.Load(); n != 20 {
		t.Errorf("it counts %d", n)
	}
}
