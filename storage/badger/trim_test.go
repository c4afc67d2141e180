package badger

import (
	"context"
	"maps"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
)

// What is trimmed leaves nothing behind in the tables that lead to it.
func TestTrimLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "ledger"), WithMaxTracks(20))
	ctx, later := context.Background(), s.Now().Add(time.Hour)
	for i := range 100 {
		must(t, s.PutTrack(ctx, strconv.Itoa(i), payment.Track{ID: strconv.Itoa(i)}, later))
	}
	must(t, s.PutTrack(ctx, "7", payment.Track{ID: "again"}, later))
	must(t, s.PutTrack(ctx, "new", payment.Track{ID: "new"}, later))
	want := map[byte]int{tableTrack: 20, tableExpiry: 20, tableAge: 20}
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		got := map[byte]int{}
		must(t, s.view(ctx, func(txn *bdb.Txn) error {
			for table := range want {
				n, _ := countPrefix(ctx, txn, table)
				got[table] = int(n)
			}
			return nil
		}))
		if maps.Equal(got, want) {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("%v are left, want %v", got, want)
		}
	}
	if n := s.counts.tracks.Load(); n != 20 {
		t.Errorf("it counts %d", n)
	}
}
