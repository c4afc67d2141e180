package storagetest

import (
	"errors"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

func keyTests() map[string]func(*testing.T, Harness) {
	return map[string]func(*testing.T, Harness){
		"Taken":    testTaken,
		"Again":    testTakeAgain,
		"Kinds":    testKinds,
		"Atomic":   testAtomic,
		"Reserve":  testReserve,
		"ManyKeys": testManyKeys,
	}
}

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

func testManyKeys(t *testing.T, h Harness) {
	s := h.Open(t)
	keys := make([]payment.Key, 5000)
	for i := range keys {
		keys[i] = payment.ReceiptKey("i", itoa(i))
	}
	if n, err := s.Reserve(ctx, keys); err != nil || n != len(keys) {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := s.Reserve(ctx, append(keys, payment.ReceiptKey("i", "x"))); err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
}
