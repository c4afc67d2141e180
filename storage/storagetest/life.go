package storagetest

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

func testSecret(t *testing.T, h Harness) {
	s := h.Open(t)
	var minted atomic.Int32
	mint := func() ([]byte, error) {
		n := minted.Add(1)
		return bytes.Repeat([]byte{byte(n)}, 32), nil
	}
	handles := []payment.Store{s}
	if h.Join != nil {
		handles = append(handles, h.Join(t, s), h.Join(t, s))
	}
	var wg sync.WaitGroup
	got := make([][]byte, 32)
	for i := range got {
		wg.Go(func() {
			b, err := handles[i%len(handles)].Secret(ctx, "signing", mint)
			if err != nil {
				t.Error(err)
			}
			got[i] = b
		})
	}
	wg.Wait()
	for _, b := range got {
		if len(b) != 32 || !bytes.Equal(b, got[0]) {
			t.Fatal("not everybody has the same secret")
		}
	}
	if h.Embedded() && minted.Load() != 1 {
		t.Errorf("minted %d times", minted.Load())
	}
	want := bytes.Clone(got[0])
	got[0][0] ^= 0xff
	if b, err := s.Secret(ctx, "signing", mint); err != nil || !bytes.Equal(b, want) {
		t.Errorf("the store shares memory with its callers: %v", err)
	}
	other, err := s.Secret(ctx, "other", func() ([]byte, error) { return []byte("another secret"), nil })
	if err != nil || bytes.Equal(other, want) {
		t.Errorf("another name: %v", err)
	}
	broken := errors.New("no entropy")
	if _, err := s.Secret(ctx, "third", func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("minting failed: %v", err)
	}
	s = h.Reopen(t, s)
	if b, err := s.Secret(ctx, "signing", mint); err != nil || !bytes.Equal(b, want) {
		t.Errorf("after reopening: %v", err)
	}
}

func generation(t *testing.T, s payment.Store) payment.Generation {
	t.Helper()
	g, err := s.Generation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func testGeneration(t *testing.T, h Harness) {
	s := h.Open(t)
	first := generation(t, s)
	if first.Seq != 1 || first.ID == "" || first.Start.IsZero() || first.Start.After(s.Now().Add(time.Minute)) {
		t.Fatalf("a new ledger: %+v", first)
	}
	for i := range 5 {
		put(t, s, newRecord(i))
		s = h.Reopen(t, s)
		if g := generation(t, s); g.Seq != 1 || g.ID != first.ID || !g.Start.Equal(first.Start) {
			t.Fatalf("after reopening: %+v, was %+v", g, first)
		}
	}
	if g := generation(t, h.Open(t)); g.ID == first.ID {
		t.Error("two ledgers have one name")
	}
}

func testLost(t *testing.T, h Harness) {
	if h.Lose == nil {
		t.Log("this store's data can't be destroyed by the test")
		return
	}
	s := h.Open(t)
	put(t, s, newRecord(1))
	for want := uint32(2); want < 5; want++ {
		before := s.Now()
		s = h.Lose(t, s)
		if _, err := s.Get(ctx, newRecord(1).Ref); !errors.Is(err, payment.ErrNotFound) {
			t.Fatalf("it is not lost: %v", err)
		}
		g := generation(t, s)
		if g.Seq != want || g.Start.Before(before.Add(-time.Millisecond)) {
			t.Fatalf("%+v, want Seq %d from now on", g, want)
		}
		s = h.Reopen(t, s)
		if again := generation(t, s); again.Seq != want || !again.Start.Equal(g.Start) {
			t.Fatalf("it does not stay: %+v", again)
		}
	}
}

func testRestored(t *testing.T, h Harness) {
	if h.Snapshot == nil {
		t.Log("this store's data can't be put back by the test")
		return
	}
	s := h.Open(t)
	put(t, s, newRecord(1))
	s = h.Reopen(t, s)
	restore := h.Snapshot(t, s)
	put(t, s, newRecord(2))
	before := s.Now()
	s = restore()
	if _, err := s.Get(ctx, newRecord(2).Ref); !errors.Is(err, payment.ErrNotFound) {
		t.Fatalf("it is not the backup: %v", err)
	}
	get(t, s, newRecord(1).Ref)
	g := generation(t, s)
	if g.Seq != 2 || g.Start.Before(before.Add(-time.Millisecond)) {
		t.Fatalf("%+v, want Seq 2 from now on", g)
	}
	s = h.Reopen(t, s)
	if again := generation(t, s); again.Seq != 2 {
		t.Fatalf("it does not stay: %+v", again)
	}
}

func testLeases(t *testing.T, h Harness) {
	s := h.Open(t)
	mine := payment.Lease{Owner: s.Owner(), Epoch: 1, Until: s.Now().Add(time.Hour)}
	if !s.Alive(mine) {
		t.Error("a lease just taken is dead")
	}
	over := mine
	over.Until = s.Now().Add(-time.Second)
	if s.Alive(over) {
		t.Error("a lease that has run out is alive")
	}
	if s.Alive(payment.Lease{}) {
		t.Error("no lease is alive")
	}
	owner := s.Owner()
	if owner == "" {
		t.Error("no owner")
	}
	s = h.Reopen(t, s)
	if s.Owner() == owner {
		t.Error("two openings have one owner")
	}
	if h.Embedded() && s.Alive(mine) {
		t.Error("a lease of an earlier opening is alive, though nobody can hold it")
	}
	if !h.Embedded() && !s.Alive(mine) {
		t.Error("another node's lease does not bind")
	}
}

func testClock(t *testing.T, h Harness) {
	s := h.Open(t)
	a := s.Now()
	if b := s.Now(); b.Before(a) || a.Location() != time.UTC {
		t.Errorf("%s then %s", a, b)
	}
}

func testJoined(t *testing.T, h Harness) {
	if h.Join == nil {
		t.Log("an embedded store has one handle")
		return
	}
	a := h.Open(t)
	b := h.Join(t, a)
	if a.Owner() == b.Owner() {
		t.Error("two handles have one owner")
	}
	if generation(t, a).ID != generation(t, b).ID {
		t.Error("two handles see two ledgers")
	}
	r := newRecord(1)
	r.Due = base
	put(t, a, r, payment.ReceiptKey("i", "1"))
	if d := Diff(get(t, b, r.Ref), r); d != "" {
		t.Error(d)
	}
	if got := due(t, b, base, 1); len(got) != 1 {
		t.Error("not due on the other node")
	}
	mine := get(t, b, r.Ref)
	mine.State = payment.Verified
	put(t, b, mine)
	r.State = payment.Declined
	if err := a.Commit(ctx, payment.Change{Record: r}); !errors.Is(err, payment.ErrConflict) {
		t.Errorf("an old version from another node: %v", err)
	}
	mine.State = payment.Delivering
	if err := b.Commit(ctx, payment.Change{Record: mine, Lazy: true}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, a, r.Ref); got.State != payment.Delivering {
		t.Error("a lazy change is not seen on the other node")
	}
}
