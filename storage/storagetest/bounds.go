package storagetest

import (
	"slices"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// What a store cuts into parts, or bounds, is whole again for its callers: below,
// at, just above and far above where a store may cut.

func testReserveSizes(t *testing.T, h Harness) {
	s := h.Open(t)
	for _, n := range []int{0, 1, 499, 500, 501, 999, 1000, 1001, 2600, 5000} {
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
		if got, err := s.Reserve(ctx, append(keys, payment.ReceiptKey("one more", itoa(n)))); err != nil || got != 1 {
			t.Errorf("%d keys and a new one: %d were new, %v", n, got, err)
		}
		held, err := payment.Holders(ctx, s, keys...)
		for i, k := range keys {
			if err != nil || held[i] != (payment.Held{Found: true}) {
				t.Fatalf("%d keys: %v is held by %+v, %v", n, k, held[i], err)
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
		_, held, err := payment.LookAll(ctx, s, []payment.Ref{r.Ref}, keys...)
		if err != nil {
			t.Fatal(err)
		}
		for j, h := range held {
			if h.Ref != r.Ref {
				t.Fatalf("key %d of %d is held by %q", j, n, h.Ref)
			}
		}
	}
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
	newest := make([]payment.Ref, n)
	for i := range newest {
		newest[i] = newRecord(n - 1 - i).Ref
	}
	for _, limit := range []int{0, 1, 7, 99, 100, 101, 999, 1000, 1001, 5000} {
		if got := refs(all(t, s, payment.Listing{Limit: limit})); !slices.Equal(got, newest) {
			t.Errorf("in pages of %d: %d records of %d, or not the newest first", limit, len(got), n)
		}
	}
	if p, err := s.List(ctx, payment.Listing{}); err != nil || len(p.Records) > 100 {
		t.Errorf("limit 0 gives %d, %v; want at most 100", len(p.Records), err)
	}
	for _, limit := range []int{1, n - 1, n, n + 1, 10 * n} {
		if got := due(t, s, base, limit); len(got) != min(limit, n) {
			t.Errorf("due, at most %d: %d of %d", limit, len(got), n)
		}
	}
}
