package badger

import (
	"context"
	"path/filepath"
	"testing"

	bdb "github.com/dgraph-io/badger/v4"
	boptions "github.com/dgraph-io/badger/v4/options"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// Badger's defaults lose what was acknowledged and read what was damaged. That
// all tables are whole is made sure of before Badger opens them: TestCheckTable
// and TestDamage.
func TestWritesAreSyncedAndChecked(t *testing.T) {
	o := open(t, filepath.Join(t.TempDir(), "ledger")).db.Opts()
	if !o.SyncWrites || !o.VerifyValueChecksum || o.ChecksumVerificationMode != boptions.OnBlockRead || !o.DetectConflicts || o.InMemory || o.ReadOnly {
		t.Errorf("it is opened with %+v", o)
	}
}

// Nothing that money depends on has a TTL of Badger's: an entry that expires
// would make an old receipt new. Tracks expire by a time in the entry.
func TestNothingHasATTL(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	ctx := context.Background()
	rec := storagetest.FullRecord(1)
	if err := s.Commit(ctx, payment.Change{Record: rec, Take: []payment.Key{
		payment.ReceiptKey("i", "id"), payment.NumberKey("i", "7"), payment.OrderKey("s", "p", "101"), payment.IntentKey("i", "id"),
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reserve(ctx, []payment.Key{payment.ReceiptKey("i", "old")}); err != nil {
		t.Fatal(err)
	}
	if err := s.PutTrack(ctx, "visitor", payment.Track{ID: "abcdefgh"}, s.Now().AddDate(0, 1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(ctx, "signing_key", func() ([]byte, error) { return []byte("x"), nil }); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := s.view(func(txn *bdb.Txn) error {
		it := txn.NewIterator(bdb.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			n++
			if at := it.Item().ExpiresAt(); at != 0 {
				t.Errorf("an entry of table %q expires at %d", it.Item().Key()[0], at)
			}
		}
		return nil
	})
	if err != nil || n < 8 {
		t.Errorf("%d entries, %v", n, err)
	}
}
