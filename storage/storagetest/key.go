package storagetest

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

func testTaken(t *testing.T, h Harness) {
	s := h.Open(t)
	first, second := newRecord(1), newRecord(2)
	order, receipt := payment.OrderKey("s", "p", "7"), payment.ReceiptKey("i", "x")
	put(t, s, first, order)
	err := s.Commit(ctx, payment.Change{Record: second, Take: []payment.Key{receipt, order}})
	var taken *payment.TakenError
	if !errors.As(err, &taken) || taken.Key != order || taken.Holder != first.Ref {
		t.Fatalf("%v (%+v)", err, taken)
	}
	if second.Version != 0 {
		t.Error("a refused commit changed the version")
	}
	if _, err := s.Get(ctx, second.Ref); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("the record was written: %v", err)
	}
	if _, err := s.Holder(ctx, receipt); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("the other key was taken: %v", err)
	}
	// The same on an update: the old record stays.
	put(t, s, second)
	second.State = payment.Verified
	if err := s.Commit(ctx, payment.Change{Record: second, Take: []payment.Key{order}}); !errors.As(err, &taken) {
		t.Fatalf("%v", err)
	}
	if got := get(t, s, second.Ref); got.State != payment.Verifying || got.Version != 1 {
		t.Errorf("the record changed: %s, version %d", got.State, got.Version)
	}
	// The first that is not free is named, in the order given.
	put(t, s, first, receipt)
	err = s.Commit(ctx, payment.Change{Record: second, Take: []payment.Key{receipt, order}})
	if !errors.As(err, &taken) || taken.Key != receipt {
		t.Errorf("%v (%+v)", err, taken)
	}
}

func testTakeAgain(t *testing.T, h Harness) {
	s := h.Open(t)
	r := newRecord(1)
	k := payment.ReceiptKey("i", "x")
	put(t, s, r, k, k)
	put(t, s, r, k)
	put(t, s, r)
	s = h.Reopen(t, s)
	if ref, err := s.Holder(ctx, k); err != nil || ref != r.Ref {
		t.Errorf("%v %v", ref, err)
	}
}

func testKinds(t *testing.T, h Harness) {
	s := h.Open(t)
	keys := []payment.Key{
		payment.ReceiptKey("a", "b"), payment.NumberKey("a", "b"), payment.IntentKey("a", "b"),
		payment.OrderKey("a", "b", ""), payment.ReceiptKey("ab", ""), payment.ReceiptKey("", "ab"),
		payment.ReceiptKey("a\x00b", ""), payment.ReceiptKey("A", "b"),
	}
	for i, k := range keys {
		put(t, s, newRecord(i), k)
	}
	for i, k := range keys {
		if ref, err := s.Holder(ctx, k); err != nil || ref != newRecord(i).Ref {
			t.Errorf("%+v: %v %v", k, ref, err)
		}
	}
}

func testAtomic(t *testing.T, h Harness) {
	s := h.Open(t)
	for i := range 40 {
		r := newRecord(i)
		r.Due = base
		put(t, s, r, payment.ReceiptKey("i", r.ID), payment.OrderKey("s", "p", r.Order), payment.NumberKey("i", r.ID))
	}
	s = h.Reopen(t, s)
	for i := range 40 {
		r := newRecord(i)
		for _, k := range []payment.Key{payment.ReceiptKey("i", r.ID), payment.OrderKey("s", "p", r.Order), payment.NumberKey("i", r.ID)} {
			if ref, err := s.Holder(ctx, k); err != nil || ref != r.Ref {
				t.Errorf("%d: %v %v", i, ref, err)
			}
		}
	}
	if due, err := s.Due(ctx, base, 100); err != nil || len(due) != 40 {
		t.Errorf("%d due, %v", len(due), err)
	}
}

func testReserve(t *testing.T, h Harness) {
	s := h.Open(t)
	used := payment.ReceiptKey("i", "used")
	held := payment.ReceiptKey("i", "held")
	r := newRecord(1)
	put(t, s, r, held)
	n, err := s.Reserve(ctx, []payment.Key{used, held, used, payment.ReceiptKey("i", "other")})
	if err != nil || n != 2 {
		t.Fatalf("%d new, %v; want 2", n, err)
	}
	if n, err = s.Reserve(ctx, []payment.Key{used}); err != nil || n != 0 {
		t.Fatalf("%d new, %v; want 0", n, err)
	}
	if n, err = s.Reserve(ctx, nil); err != nil || n != 0 {
		t.Fatalf("nothing: %d, %v", n, err)
	}
	s = h.Reopen(t, s)
	if ref, err := s.Holder(ctx, used); err != nil || ref != "" {
		t.Errorf("a reserved key's holder: %q, %v", ref, err)
	}
	if ref, err := s.Holder(ctx, held); err != nil || ref != r.Ref {
		t.Errorf("reserving took a held key away: %q, %v", ref, err)
	}
	var taken *payment.TakenError
	err = s.Commit(ctx, payment.Change{Record: newRecord(2), Take: []payment.Key{used}})
	if !errors.As(err, &taken) || taken.Key != used || taken.Holder != "" {
		t.Errorf("taking a reserved key: %v (%+v)", err, taken)
	}
}

// Look answers what Get and Holder answer, whether the store has a way of its own
// or not.
func testLook(t *testing.T, h Harness) {
	s := h.Open(t)
	r := newRecord(1)
	mine, reserved, free := payment.ReceiptKey("i", "x"), payment.ReceiptKey("i", "y"), payment.ReceiptKey("i", "z")
	put(t, s, r, mine)
	if _, err := s.Reserve(ctx, []payment.Key{reserved}); err != nil {
		t.Fatal(err)
	}
	check := func(ref payment.Ref, version uint64, keys ...payment.Key) {
		t.Helper()
		recs, held, err := payment.LookAll(ctx, s, []payment.Ref{ref}, keys...)
		if err != nil {
			t.Fatal(err)
		}
		rec := recs[0]
		if rec == nil && version > 0 || rec != nil && (rec.Version != version || rec.Ref != ref || rec.Order != r.Order) {
			t.Errorf("the record: %+v, want version %d", rec, version)
		}
		if len(held) != len(keys) {
			t.Fatalf("%d answers to %d questions", len(held), len(keys))
		}
		want := map[payment.Key]payment.Held{mine: {Ref: r.Ref, Found: true}, reserved: {Found: true}}
		for i, k := range keys {
			if held[i] != want[k] {
				t.Errorf("%v: %+v, want %+v", k, held[i], want[k])
			}
		}
	}
	check(r.Ref, 1, mine, reserved, free)
	check(r.Ref, 1, free, mine, free)
	check(r.Ref, 1)
	check(newRecord(2).Ref, 0, reserved)
	check(newRecord(2).Ref, 0)
	check("no ref", 0, mine, free)
	check("no ref", 0)
	put(t, s, r)
	check(r.Ref, 2, mine)
	for _, n := range []int{0, 1, 2, 7} {
		var refs []payment.Ref // every third is on record
		for i := range n {
			refs = append(refs, []payment.Ref{r.Ref, newRecord(2).Ref, "no ref"}[i%3])
		}
		for _, keys := range [][]payment.Key{nil, {mine, free}} {
			recs, held, err := payment.LookAll(ctx, s, refs, keys...)
			if err != nil || len(recs) != n || len(held) != len(keys) {
				t.Fatalf("%d records: %d and %d, %v", n, len(recs), len(held), err)
			}
			for i, rec := range recs {
				if (rec != nil) != (i%3 == 0) || rec != nil && (rec.Ref != r.Ref || rec.Version != 2) {
					t.Errorf("record %d of %d: %+v", i, n, rec)
				}
			}
		}
	}
}

// Many who look at the same time get each their own.
func testManyLooks(t *testing.T, h Harness) {
	s := h.Open(t)
	const n = 40
	for i := range n {
		r := newRecord(i)
		put(t, s, r, payment.ReceiptKey("i", r.ID), payment.OrderKey("shop", "p", r.Order))
	}
	var all sync.WaitGroup
	for i := range 2 * n {
		all.Go(func() {
			r := newRecord(i)
			recs, held, err := payment.LookAll(ctx, s, []payment.Ref{r.Ref}, payment.OrderKey("shop", "p", r.Order), payment.IntentKey("i", r.ID), payment.ReceiptKey("i", r.ID))
			want := []payment.Held{{}, {}, {}}
			if i < n {
				want[0], want[2] = payment.Held{Ref: r.Ref, Found: true}, payment.Held{Ref: r.Ref, Found: true}
			}
			if err != nil || (recs[0] != nil) != (i < n) || recs[0] != nil && recs[0].Order != r.Order || !slices.Equal(held, want) {
				t.Errorf("payment %d: %+v %+v %v", i, recs, held, err)
			}
			if _, err := s.Get(ctx, r.Ref); (err == nil) != (i < n) {
				t.Errorf("payment %d: %v", i, err)
			}
			if holder, err := s.Holder(ctx, payment.ReceiptKey("i", r.ID)); (err == nil) != (i < n) || i < n && holder != r.Ref {
				t.Errorf("payment %d: held by %s, %v", i, holder, err)
			}
		})
	}
	all.Wait()
}
