package badger

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/archive"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// A backup that is made while payments are written is of one moment: each payment in it
// has its keys, and each key its payment. It has nothing of what the relay keeps.
func TestBackupBesideChanges(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	ctx, stop := context.WithCancel(context.Background())
	wrote, begun := make(chan error, 1), make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			r := delivered(i)
			r.Relay = &payment.Relayed{Kept: []byte("the gateway's answer"), KeptAt: r.CreatedAt}
			if err := s.Commit(ctx, payment.Change{Record: r, Take: r.Keys(false)}); err != nil {
				wrote <- err
				return
			}
			if i == 0 {
				close(begun)
			}
		}
	}()
	select {
	case <-begun: // a backup of nothing would prove nothing
	case err := <-wrote:
		t.Fatal(err)
	}
	for range 10 {
		keys, records := map[string]string{}, map[string]*payment.Record{}
		err := s.Backup(context.Background(), func(it storage.Item) error {
			switch it.Kind {
			case storage.KindKey:
				keys[string(it.Name)] = string(it.Value)
			case storage.KindRecord:
				e, err := packed.Decode(payment.RefOf(it.Name), it.Value)
				if err != nil {
					return err
				}
				if bytes.Contains(it.Value, []byte("gateway's")) || len(e.Rec.Relay.Kept) > 0 {
					t.Error("it has what the relay keeps")
				}
				records[string(it.Name)] = e.Rec
			}
			return nil
		})
		must(t, err)
		if len(records) == 0 {
			t.Fatal("a backup without a payment")
		}
		for name, r := range records {
			for _, k := range r.Keys(false) {
				if keys[string(k.Hash())] != name {
					t.Fatalf("a payment without its %s key", k.Kind)
				}
			}
		}
		for _, holder := range keys {
			if records[holder] == nil {
				t.Fatal("a key without its payment")
			}
		}
		var file bytes.Buffer
		sum, err := archive.Write(context.Background(), s, &file, func(int64, int64) {})
		must(t, err)
		about, err := archive.Look(&file)
		if err != nil || about.Sum != sum.Sum || about.Counts[storage.KindRecord] < int64(len(records)) {
			t.Fatalf("%+v, %v", about, err)
		}
	}
	stop()
	if err := <-wrote; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
