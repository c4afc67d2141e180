package badger

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// former turns a ledger into one as former versions left it: without what this one finds
// payments by, and with orders listed as they were written.
func former(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	var ws []write
	err := s.view(ctx, func(txn *bdb.Txn) error {
		it := txn.NewIterator(keysOnly(nil))
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			key := it.Item().KeyCopy(nil)
			switch {
			case key[0] == tableFind, key[0] == tableScope, key[0] == tableNotice && !slices.Contains([]byte("urpRUP"), key[1]),
				bytes.HasPrefix(key, []byte{tableMeta, metaScope}), bytes.Equal(key, metaFirst), bytes.Equal(key, metaIndexed), bytes.Equal(key, metaBoundary):
				ws = append(ws, write{Key: key, Del: true})
			case key[0] == tableRecord:
				k := refKey(key[1:])
				e, err := loadEntry(txn, payment.RefOf(k[:]), k)
				if err != nil {
					return err
				}
				ws = append(ws, write{Key: pointed(findPrefix(findOrder, e.Rec.Order), packed.Time(e.Rec.CreatedAt), k)})
				if !e.Receipt {
					ws = append(ws, write{Key: pointed(findPrefix(findID, e.Rec.ID), packed.Time(e.Rec.CreatedAt), k)})
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ws = append(ws, write{Key: metaFormat, Value: []byte{1}})
	if err := s.queue.Submit(&change{Ctx: ctx, Stage: func(getter) ([]write, error) { return ws, nil }}); err != nil {
		t.Fatal(err)
	}
}

// allKeys makes the store list what comes as it lists a former version's payments: by
// keys for all that they are found by.
func allKeys(t *testing.T, s *Store) {
	t.Helper()
	if err := s.queue.Submit(&change{Ctx: t.Context(), Stage: func(getter) ([]write, error) {
		return []write{{Key: metaBoundary, Value: encodeHigh(packed.Time(time.Now().AddDate(1, 0, 0)))}}, nil
	}}); err != nil {
		t.Fatal(err)
	}
}

// A ledger of a former version answers every listing while it is listed anew and after,
// and then has exactly the keys of one that this version wrote.
func TestFormerLedgerIsListedAnew(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	ctx := context.Background()
	allKeys(t, s)
	const n = 250
	for i := range n {
		r := delivered(i)
		r.Order = "Order-" + r.Order
		if i%3 == 0 {
			r.Provider = "other"
		}
		if i%50 == 0 {
			r.State = payment.Declined
		}
		take := r.Keys(false)
		if i%7 == 0 {
			take = nil
		}
		if err := s.Commit(ctx, payment.Change{Record: r, Take: take}); err != nil {
			t.Fatal(err)
		}
	}
	keys := func(s *Store) (all []string) {
		_ = s.view(ctx, func(txn *bdb.Txn) error {
			it := txn.NewIterator(keysOnly(nil))
			defer it.Close()
			for it.Rewind(); it.Valid(); it.Next() {
				if k := it.Item().Key(); k[0] != tableMeta {
					all = append(all, string(k))
				}
			}
			return nil
		})
		return all
	}
	want := keys(s)
	former(t, s)
	s = reopen(t, s)
	look := func(when string) {
		t.Helper()
		r := delivered(8)
		for what, q := range map[string]payment.Listing{
			"reference": {Search: []payment.Term{payment.NewTerm(payment.FieldReference, r.Receipt.Reference)}},
			"order":     {Search: []payment.Term{payment.NewTerm(payment.FieldOrder, "oRDER-"+r.Order)}},
			"its order": {Order: "Order-" + r.Order},
		} {
			page, err := s.List(ctx, q)
			if err != nil || len(page.Records) != 1 || page.Records[0].Ref != r.Ref {
				t.Errorf("%s, by its %s: %d records, %v", when, what, len(page.Records), err)
			}
		}
		for what, q := range map[string]struct {
			payment.Listing
			want int
		}{
			"provider": {payment.Listing{Provider: "other", Limit: 1000}, 84}, "state": {payment.Listing{States: []payment.State{payment.Declined}}, 5},
			"no such site": {payment.Listing{Site: "none"}, 0},
		} {
			if page, err := s.List(ctx, q.Listing); err != nil || len(page.Records) != q.want {
				t.Errorf("%s, by %s: %d records, want %d, %v", when, what, len(page.Records), q.want, err)
			}
		}
	}
	look("at once")
	for end := time.Now().Add(10 * time.Second); !s.indexed.Load(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is not listed anew")
		}
	}
	look("listed anew")
	if got := keys(s); !slices.Equal(got, want) {
		t.Errorf("%d keys, want %d: %q", len(got), len(want), strings.Join(got[:min(3, len(got))], " "))
	}
	s = reopen(t, s)
	if !s.indexed.Load() {
		t.Error("it is listed anew at each opening")
	}
	look("opened again")
}
