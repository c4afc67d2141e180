package storagetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

func testMissing(t *testing.T, h Harness) {
	s := h.Open(t)
	if _, err := s.Get(ctx, newRecord(1).Ref); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.Holder(ctx, payment.ReceiptKey("i", "1")); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("Holder: %v", err)
	}
	if _, err := s.Track(ctx, "visitor"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("Track: %v", err)
	}
	if due, err := s.Due(ctx, base, 10); err != nil || len(due) != 0 {
		t.Errorf("Due: %v %v", due, err)
	}
	if rs := all(t, s, payment.Listing{}); len(rs) != 0 {
		t.Errorf("List: %v", rs)
	}
	if err := s.Ready(); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

func testCompareAndSet(t *testing.T, h Harness) {
	s := h.Open(t)
	r := newRecord(1)
	stale := r.Clone()
	put(t, s, r)
	if r.Version != 1 {
		t.Fatalf("version after the insert: %d", r.Version)
	}
	if err := s.Commit(ctx, payment.Change{Record: stale}); !errors.Is(err, payment.ErrConflict) {
		t.Fatalf("a second insert: %v", err)
	}
	if stale.Version != 0 {
		t.Fatal("a failed commit changed the caller's version")
	}
	old := r.Clone()
	r.State = payment.Verified
	put(t, s, r)
	old.State = payment.Declined
	if err := s.Commit(ctx, payment.Change{Record: old}); !errors.Is(err, payment.ErrConflict) {
		t.Fatalf("an update of an old version: %v", err)
	}
	ahead := r.Clone()
	ahead.Version += 5
	if err := s.Commit(ctx, payment.Change{Record: ahead}); !errors.Is(err, payment.ErrConflict) {
		t.Fatalf("an update of a version to come: %v", err)
	}
	if r.Mark != 0 {
		other := r.Clone()
		other.Mark++
		if err := s.Commit(ctx, payment.Change{Record: other}); !errors.Is(err, payment.ErrConflict) {
			t.Fatalf("an update of another version of the same number: %v", err)
		}
	}
	none := newRecord(2)
	none.Version = 1
	if err := s.Commit(ctx, payment.Change{Record: none}); !errors.Is(err, payment.ErrConflict) {
		t.Fatalf("an update of nothing: %v", err)
	}
	if got := get(t, s, r.Ref); got.Version != 2 || got.State != payment.Verified {
		t.Fatalf("stored: version %d, %s", got.Version, got.State)
	}
}

func testEveryField(t *testing.T, h Harness) {
	s := h.Open(t)
	a, b := FullRecord(1), FullRecord(2)
	put(t, s, a)
	put(t, s, b)
	s = h.Reopen(t, s)
	for _, want := range []*payment.Record{a, b} {
		if d := Diff(get(t, s, want.Ref), want); d != "" {
			t.Error(d)
		}
	}
	// An update replaces everything: nothing of the old record shows through.
	bare := &payment.Record{Ref: a.Ref, Version: a.Version, State: payment.Verified, CreatedAt: a.CreatedAt}
	put(t, s, bare)
	if d := Diff(get(t, s, a.Ref), bare); d != "" {
		t.Error(d)
	}
	if rs := all(t, s, payment.Listing{}); len(rs) != 2 || (Diff(rs[0], b) != "" && Diff(rs[1], b) != "") {
		t.Error("a listing's records differ from those of Get")
	}
}

func testEmptyParts(t *testing.T, h Harness) {
	s := h.Open(t)
	r := newRecord(1)
	r.Receipt, r.Return, r.Reports, r.History = &payment.Receipt{}, &payment.Return{}, []payment.Report{{}}, []payment.Entry{{}}
	put(t, s, r)
	if d := Diff(get(t, s, r.Ref), r); d != "" {
		t.Error(d)
	}
	r.Receipt, r.Return, r.Reports, r.History = nil, nil, nil, nil
	put(t, s, r)
	if d := Diff(get(t, s, r.Ref), r); d != "" {
		t.Error(d)
	}
}

func testCopies(t *testing.T, h Harness) {
	s := h.Open(t)
	r := FullRecord(1)
	put(t, s, r)
	want := r.Clone()
	r.Return.Body[0] ^= 0xff
	r.History[0].Text = "changed by the caller"
	first := get(t, s, r.Ref)
	first.Return.Body[1] ^= 0xff
	first.Receipt.Amount++
	if d := Diff(get(t, s, r.Ref), want); d != "" {
		t.Errorf("the store shares memory with its callers: %s", d)
	}
}

func testLarge(t *testing.T, h Harness) {
	s := h.Open(t)
	for i := range 20 {
		r := newRecord(i)
		r.Order = strings.Repeat("س", 32)
		r.ID = strings.Repeat("f", 200)
		r.Return = &payment.Return{Method: "POST", URI: "/verify?" + strings.Repeat("a=1&", 2000), Body: make([]byte, 64<<10)}
		for j := range r.Return.Body {
			r.Return.Body[j] = byte(j * i)
		}
		put(t, s, r)
		if d := Diff(get(t, s, r.Ref), r); d != "" {
			t.Fatal(d)
		}
	}
	if n := len(all(t, s, payment.Listing{Order: strings.Repeat("س", 32)})); n != 20 {
		t.Errorf("%d records of one order, want 20", n)
	}
}

func testOddTimes(t *testing.T, h Harness) {
	s := h.Open(t)
	for i, at := range []time.Time{
		{}, time.Unix(0, 0), time.Unix(-1, 5), time.Date(2040, 1, 2, 3, 4, 5, 6, time.UTC),
		time.Date(2026, 3, 21, 12, 0, 0, 1000, time.FixedZone("IRST", 12600)),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		r := newRecord(i)
		r.CreatedAt = at
		r.UpdatedAt = at.Add(time.Nanosecond)
		r.Attempts.First = base
		put(t, s, r)
		want := r.Clone()
		want.CreatedAt, want.UpdatedAt = want.CreatedAt.UTC(), want.UpdatedAt.UTC()
		if d := Diff(get(t, s, r.Ref), want); d != "" {
			t.Error(d)
		}
	}
	if n := len(all(t, s, payment.Listing{})); n != 6 {
		t.Errorf("%d listed, want 6", n)
	}
}

func testLazy(t *testing.T, h Harness) {
	s := h.Open(t)
	for i := range 50 {
		r := newRecord(i)
		put(t, s, r)
		r.State, r.Due = payment.Delivering, base
		if err := s.Commit(ctx, payment.Change{Record: r, Lazy: true, Take: []payment.Key{payment.ReceiptKey("i", r.ID)}}); err != nil {
			t.Fatal(err)
		}
		if got := get(t, s, r.Ref); got.State != payment.Delivering || got.Version != 2 {
			t.Fatalf("a lazy change is not seen at once: %s", got.State)
		}
		if ref, err := s.Holder(ctx, payment.ReceiptKey("i", r.ID)); err != nil || ref != r.Ref {
			t.Fatalf("a lazily taken key: %v %v", ref, err)
		}
		if due, err := s.Due(ctx, base, 100); err != nil || len(due) != i+1 {
			t.Fatalf("due after a lazy change: %d, %v", len(due), err)
		}
	}
	stale := newRecord(0)
	if err := s.Commit(ctx, payment.Change{Record: stale, Lazy: true}); !errors.Is(err, payment.ErrConflict) {
		t.Fatalf("a lazy insert of what exists: %v", err)
	}
	var taken *payment.TakenError
	if err := s.Commit(ctx, payment.Change{Record: newRecord(99), Lazy: true, Take: []payment.Key{payment.ReceiptKey("i", newRecord(0).ID)}}); !errors.As(err, &taken) {
		t.Fatalf("a lazy change with a taken key: %v", err)
	}
	s = h.Reopen(t, s)
	for i := range 50 {
		if got := get(t, s, newRecord(i).Ref); got.State != payment.Delivering {
			t.Fatalf("record %d lost its lazy change at close", i)
		}
	}
}

func testForget(t *testing.T, h Harness) {
	s := h.Open(t)
	r := newRecord(1)
	intent := payment.IntentKey(r.Issuer, r.ID)
	put(t, s, r, intent)
	r.State, r.Due = payment.Declined, base
	put(t, s, r)
	if err := s.Forget(ctx, r.Ref, r.Version-1); !errors.Is(err, payment.ErrConflict) {
		t.Fatalf("forgetting an old version: %v", err)
	}
	if err := s.Forget(ctx, r.Ref, r.Version); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, r.Ref); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.Holder(ctx, intent); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("the intent's key: %v", err)
	}
	if due, _ := s.Due(ctx, base.Add(time.Hour), 10); len(due) != 0 {
		t.Errorf("still due: %v", due)
	}
	for _, q := range []payment.Listing{{}, {ID: r.ID}, {Order: r.Order}, {States: []payment.State{payment.Declined}}} {
		if rs := all(t, s, q); len(rs) != 0 {
			t.Errorf("still listed by %+v", q)
		}
	}
	if err := s.Forget(ctx, r.Ref, r.Version); !errors.Is(err, payment.ErrConflict) {
		t.Errorf("forgetting twice: %v", err)
	}
	again := newRecord(1)
	put(t, s, again, intent)
	expired := newRecord(2)
	expired.State = payment.Expired
	put(t, s, expired)
	if err := s.Forget(ctx, expired.Ref, 1); err != nil {
		t.Errorf("an expired record: %v", err)
	}
}

func testForgetRefuses(t *testing.T, h Harness) {
	s := h.Open(t)
	n := 0
	refuse := func(name string, r *payment.Record) {
		t.Helper()
		if err := s.Forget(ctx, r.Ref, r.Version); !errors.Is(err, payment.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Get(ctx, r.Ref); err != nil {
			t.Errorf("%s: gone after a refusal: %v", name, err)
		}
	}
	for _, st := range payment.States() {
		n++
		r := newRecord(n)
		r.State = st
		put(t, s, r)
		if st != payment.Declined && st != payment.Expired {
			refuse(string(st), r)
		}
		if st.Captured() {
			r.State = payment.Declined
			put(t, s, r)
			refuse("declined, once "+string(st), r)
		}
	}
	for _, k := range []payment.Key{payment.ReceiptKey("i", "1"), payment.NumberKey("i", "1"), payment.OrderKey("s", "p", "1")} {
		n++
		r := newRecord(n)
		put(t, s, r, k)
		r.State = payment.Declined
		put(t, s, r) // the key is held for ever, named again or not
		refuse("declined with the key of a "+string(k.Kind), r)
		if ref, err := s.Holder(ctx, k); err != nil || ref != r.Ref {
			t.Errorf("the key of a %s: %v %v", k.Kind, ref, err)
		}
	}
	r := newRecord(n + 1)
	r.State, r.Receipt = payment.Declined, &payment.Receipt{Amount: 1}
	put(t, s, r)
	refuse("declined with a receipt", r)
}

func testBadRefs(t *testing.T, h Harness) {
	s := h.Open(t)
	good := newRecord(1)
	put(t, s, good)
	// The last letter of a ref has two bits that say nothing: another letter
	// there must not be another name of the same record.
	alias := string(good.Ref[:payment.RefLen-1])
	for _, last := range "0123456789abcdefghjkmnpqrstvwxyz" {
		ref := payment.Ref(alias + string(last))
		if _, err := s.Get(ctx, ref); (err == nil) != (ref == good.Ref) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	for _, ref := range []payment.Ref{"", "x", payment.Ref(strings.Repeat("u", 26)), payment.Ref(strings.ToUpper(string(good.Ref)))} {
		if _, err := s.Get(ctx, ref); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("Get %q: %v", ref, err)
		}
		r := newRecord(2)
		r.Ref = ref
		if err := s.Commit(ctx, payment.Change{Record: r}); err == nil {
			t.Errorf("Commit %q was accepted", ref)
		}
	}
	if err := s.Commit(ctx, payment.Change{}); err == nil {
		t.Error("a change without a record was accepted")
	}
}
