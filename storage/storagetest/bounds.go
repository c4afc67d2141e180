package storagetest

import (
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// What a store cuts into parts, or bounds, is whole again for its callers: below,
// at, just above and far above where a store may cut.
func boundTests() map[string]func(*testing.T, Harness) {
	return map[string]func(*testing.T, Harness){
		"Reserve": testReserveSizes,
		"Take":    testTakeSizes,
		"List":    testListSizes,
	}
}

func testReserveSizes(t *testing.T, h Harness) {
	s := h.Open(t)
	for _, n := range []int{0, 1, 499, 500, 501, 999, 1000, 1001, 2600} {
		keys := make([]payment.Key, n)
		for i := range keys {
			keys[i] = payment.ReceiptKey("size "+itoa(n), itoa(i))
		}
		if n > 2 {
			keys[n-1] = keys[0] // what is there twice, the whole length apart, is new once
		}
		want := n
		if n > 2 {
			want = n - 1
		}
		for again := range 2 {
			got, err := s.Reserve(ctx, keys)
			if again == 1 {
				want = 0
			}
			if err != nil || got != want {
				t.Errorf("%d keys, time %d: %d were new, want %d, %v", n, again+1, got, want, err)
			}
		}
		for _, k := range keys {
			if ref, err := s.Holder(ctx, k); err != nil || ref != "" {
				t.Fatalf("%d keys: %v is held by %q, %v", n, k, ref, err)
			}
		}
	}
}

func testTakeSizes(t *testing.T, h Harness) {
	s := h.Open(t)
	for i, n := range []int{1, 64, 65, 256, 257, 1000} {
		r := newRecord(i)
		keys := make([]payment.Key, n)
		for j := range keys {
			keys[j] = payment.ReceiptKey("size "+itoa(n), itoa(j))
		}
		put(t, s, r, keys...)
		_, held := look(t, s, r.Ref, keys)
		for j, ref := range held {
			if ref != r.Ref {
				t.Fatalf("key %d of %d is held by %q", j, n, ref)
			}
		}
	}
}

// look asks for all at once where the store can.
func look(t *testing.T, s payment.Store, ref payment.Ref, keys []payment.Key) (*payment.Record, []payment.Ref) {
	t.Helper()
	held := make([]payment.Ref, len(keys))
	if l, ok := s.(payment.Looker); ok {
		recs, all, err := l.Look(ctx, []payment.Ref{ref}, keys...)
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range all {
			held[i] = h.Ref
		}
		return recs[0], held
	}
	for i, k := range keys {
		var err error
		if held[i], err = s.Holder(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	return get(t, s, ref), held
}

func testListSizes(t *testing.T, h Harness) {
	s := h.Open(t)
	const n = 1050
	race(n, func(i int) {
		r := newRecord(i)
		r.Due = base
		if err := s.Commit(ctx, payment.Change{Record: r, Lazy: true}); err != nil {
			t.Error(err)
		}
	})
	for _, limit := range []int{0, 99, 100, 101, 999, 1000, 1001, 5000} {
		got := all(t, s, payment.Listing{Limit: limit})
		seen := make(map[payment.Ref]bool, n)
		for _, r := range got {
			seen[r.Ref] = true
		}
		if len(got) != n || len(seen) != n {
			t.Errorf("in pages of %d: %d records, %d of them different, want %d", limit, len(got), len(seen), n)
		}
	}
	for _, limit := range []int{1, n - 1, n, n + 1, 10 * n} {
		if got := due(t, s, base, limit); len(got) != min(limit, n) {
			t.Errorf("due, at most %d: %d of %d", limit, len(got), n)
		}
	}
}
