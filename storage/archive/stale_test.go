package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/archive"
)

// A file of a former export is the ledger's only as long as nothing has happened since. Else
// nobody is told that the ledger was exported, and what was paid meanwhile is not lost.
func TestAFormerExportIsNoExport(t *testing.T) {
	from := newBadger(t)
	open(t, from, func(s payment.Store) { fill(t, s) })
	path := filepath.Join(t.TempDir(), "archive")
	export := func() (sum archive.Summary, err error) {
		with(t, from, func(s storage.Migrator) { sum, err = archive.Export(ctx, s, path, quiet) })
		return sum, err
	}
	for what, goesOn := range map[string]func(payment.Store) error{
		"nothing":        nil,
		"a payment more": func(s payment.Store) error { return s.Commit(ctx, payment.Change{Record: record(payments + 1)}) },
		"another state of one": func(s payment.Store) error {
			r := record(1)
			r.Version = 1
			r.Order += "x"
			return s.Commit(ctx, payment.Change{Record: r})
		},
		"a payment less": func(s payment.Store) error { return s.Forget(ctx, record(7).Ref, 1) },
		"a receipt that is used": func(s payment.Store) error {
			_, err := s.Reserve(ctx, []payment.Key{payment.ReceiptKey("issuer", "more")})
			return err
		},
	} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		first, err := export()
		if err != nil {
			t.Fatal(err)
		}
		if goesOn != nil {
			open(t, from, func(s payment.Store) {
				if err := goesOn(s); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			})
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		again, err := export()
		if goesOn == nil && (err != nil || again.Sum != first.Sum) || goesOn != nil && !errors.Is(err, archive.ErrOther) {
			t.Errorf("%s has happened since: %v, %v", what, again, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("%s: the former file was changed, %v", what, err)
		}
	}
}
