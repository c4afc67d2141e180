package badger

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	boptions "github.com/dgraph-io/badger/v4/options"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// Badger's defaults read what was damaged. That all tables are whole is made sure
// of before Badger opens them: TestCheckTable and TestDamage.
func TestReadsAreChecked(t *testing.T) {
	o := open(t, filepath.Join(t.TempDir(), "ledger")).db.Opts()
	if !o.VerifyValueChecksum || o.ChecksumVerificationMode != boptions.OnBlockRead || !o.DetectConflicts || o.InMemory || o.ReadOnly {
		t.Errorf("it is opened with %+v", o)
	}
}

// Whoever is told of a change is told after a sync of the journal.
func TestWritesAreSynced(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) { c.tick = time.Hour })
	for i := range 5 {
		before := s.journal.Syncs()
		must(t, s.Commit(context.Background(), payment.Change{Record: storagetest.FullRecord(i)}))
		if s.journal.Syncs() == before {
			t.Fatal("a change was told before the journal was synced")
		}
	}
}

// A power cut takes of Badger's log whatever it likes, in each of the files that
// were not in tables yet. Nothing that was told of is missing afterwards.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) { c.tick, c.memTable = time.Hour, mib })
	var refs []payment.Ref
	want := make(map[payment.Ref]*payment.Record)
	for i := range 600 {
		r := storagetest.FullRecord(i)
		must(t, s.Commit(ctx, payment.Change{Record: r, Take: []payment.Key{payment.ReceiptKey(r.Issuer, string(r.Ref))}}))
		refs, want[r.Ref] = append(refs, r.Ref), r
	}
	for name, take := range map[string]func(f *os.File, size int64, r *rand.Rand) error{
		"nothing":          func(*os.File, int64, *rand.Rand) error { return nil },
		"all but its head": func(f *os.File, size int64, _ *rand.Rand) error { return zero(f, 20, size) },
		"everything":       func(f *os.File, size int64, _ *rand.Rand) error { return zero(f, 0, size) },
		"its length":       func(f *os.File, _ int64, _ *rand.Rand) error { return f.Truncate(0) },
		"what lies behind": func(f *os.File, size int64, r *rand.Rand) error { return zero(f, 20+r.Int64N(size/2), size) },
		"pages here, there": func(f *os.File, size int64, r *rand.Rand) error {
			for range 4 {
				at := r.Int64N(size/4096) * 4096
				if err := zero(f, at, at+4096); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(len(name))))
			dir := filepath.Join(t.TempDir(), "ledger")
			copyLedger(t, s.dir, dir)
			logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
			if err != nil || len(logs) == 0 {
				t.Fatal(logs, err)
			}
			for _, path := range logs {
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				must(t, err)
				st, err := f.Stat()
				must(t, err)
				must(t, take(f, st.Size(), rng))
				must(t, f.Close())
			}
			after := open(t, dir)
			if g, err := after.Generation(ctx); err != nil || g.Seq != 1 {
				t.Errorf("generation %d, %v", g.Seq, err)
			}
			for _, ref := range refs {
				got, err := after.Get(ctx, ref)
				if err != nil || !reflect.DeepEqual(got, want[ref]) {
					t.Fatalf("%s: %+v, %v", ref, got, err)
				}
				if holder, err := after.Holder(ctx, payment.ReceiptKey(got.Issuer, string(ref))); err != nil || holder != ref {
					t.Fatalf("%s: its receipt belongs to %q, %v", ref, holder, err)
				}
			}
		})
	}
}

func zero(f *os.File, from, to int64) error {
	_, err := f.WriteAt(make([]byte, max(to-from, 0)), from)
	return err
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
	err := s.view(context.Background(), func(txn *bdb.Txn) error {
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
