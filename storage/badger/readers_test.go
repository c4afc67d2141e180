package badger

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// While a lazy change is on its way to the disk, only readers of that record
// wait for it. If others did, this test would hang.
func TestOnlyReadersOfALazyChangeWaitForIt(t *testing.T) {
	t.Parallel()
	var hold chan struct{}
	s, err := Open(filepath.Join(t.TempDir(), "ledger"), func(c *config) {
		c.commitHook = func(uint64) error {
			if hold != nil {
				<-hold
			}
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	a, b := delivered(1), delivered(2)
	if err := s.Commit(ctx, payment.Change{Record: a, Take: a.Keys(false)}); err != nil {
		t.Fatal(err)
	}
	hold = make(chan struct{})
	if err := s.Commit(ctx, payment.Change{Record: b, Take: b.Keys(false), Lazy: true}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(ctx, a.Ref); err != nil || got.Version != 1 {
		t.Fatal(got, err)
	}
	if ref, err := s.Holder(ctx, payment.ReceiptKey(a.Issuer, a.ID)); err != nil || ref != a.Ref {
		t.Fatal(ref, err)
	}
	read := make(chan error, 2)
	go func() {
		_, err := s.Get(ctx, b.Ref)
		read <- err
	}()
	go func() {
		_, err := s.Holder(ctx, payment.ReceiptKey(b.Issuer, b.ID))
		read <- err
	}()
	close(hold)
	for range 2 {
		if err := <-read; err != nil {
			t.Errorf("a lazy change that was acknowledged is not seen: %v", err)
		}
	}
}
