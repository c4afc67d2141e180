package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

const (
	// patience is how long the callers of a store that stands still wait, and
	// atOnce by when they must be back.
	patience = 150 * time.Millisecond
	atOnce   = 2 * time.Second
)

// operations returns all that somebody may wait for.
func operations(s payment.Store, r *payment.Record) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Commit": func(ctx context.Context) error { return s.Commit(ctx, payment.Change{Record: r}) },
		"Get":    func(ctx context.Context) error { _, err := s.Get(ctx, r.Ref); return err },
		"Holder": func(ctx context.Context) error { _, err := s.Holder(ctx, payment.ReceiptKey("i", r.ID)); return err },
		"Forget": func(ctx context.Context) error { return s.Forget(ctx, r.Ref, 7) },
		"Due":    func(ctx context.Context) error { _, err := s.Due(ctx, base, 10); return err },
		"List":   func(ctx context.Context) error { _, err := s.List(ctx, payment.Listing{}); return err },
		"Reserve": func(ctx context.Context) error {
			_, err := s.Reserve(ctx, []payment.Key{payment.ReceiptKey("u", r.ID)})
			return err
		},
		"PutTrack": func(ctx context.Context) error {
			return s.PutTrack(ctx, r.ID, payment.Track{ID: "x"}, s.Now().Add(time.Hour))
		},
		"Track": func(ctx context.Context) error { _, err := s.Track(ctx, r.ID); return err },
		"Secret": func(ctx context.Context) error {
			_, err := s.Secret(ctx, "n"+r.ID, func() ([]byte, error) { return []byte("secret"), nil })
			return err
		},
		"Generation": func(ctx context.Context) error { _, err := s.Generation(ctx); return err },
	}
}

// Whoever comes with a context that has ended is told so, and nothing is written.
func testEnded(t *testing.T, h Harness) {
	s := h.Open(t)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	r := newRecord(1)
	for name, do := range operations(s, r) {
		if err := do(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(all(t, s, payment.Listing{})); n != 0 || r.Version != 0 {
		t.Errorf("%d records were written, and the version is %d", n, r.Version)
	}
	put(t, s, r)
}

// A store that stands still lets everybody go when his context ends. It goes on
// with what it has, and says truly what became of it.
func testStalled(t *testing.T, h Harness) {
	if h.Stall == nil {
		t.Log("it can't be made to stand still")
		return
	}
	s, halt, resume := h.Stall(t)
	old := newRecord(0)
	put(t, s, old)
	halt()
	defer resume()
	first, lazy, gone := newRecord(1), newRecord(2), newRecord(3)
	faithful := make(chan error, 1)
	go func() { faithful <- s.Commit(ctx, payment.Change{Record: first}) }()

	leaving, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begin := time.Now()
	var ops []func() (string, error)
	for name, do := range operations(s, gone) {
		ops = append(ops, func() (string, error) { return name, do(leaving) })
	}
	ops = append(ops,
		func() (string, error) {
			return "lazy", s.Commit(leaving, payment.Change{Record: lazy, Lazy: true})
		},
		func() (string, error) { return "update", s.Commit(leaving, payment.Change{Record: old.Clone()}) })
	type back struct {
		name string
		err  error
		at   time.Duration
	}
	backs := make(chan back, len(ops))
	for _, op := range ops {
		go func() {
			name, err := op()
			backs <- back{name, err, time.Since(begin)}
		}()
	}
	for range ops {
		select {
		case b := <-backs:
			if b.name == "Commit" || b.name == "update" {
				if !errors.Is(b.err, context.DeadlineExceeded) {
					t.Errorf("%s on a store that stands still: %v", b.name, b.err)
				}
			}
			if b.at > atOnce {
				t.Errorf("%s came back after %s", b.name, b.at)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("somebody does not come back")
		}
	}
	resume()
	within(t, crowdPatience, "who stayed is never answered", func() {
		// One who stayed may be told that the store gave up, but not that it didn't.
		err := <-faithful
		got, getErr := s.Get(ctx, first.Ref)
		if err == nil && (getErr != nil || got.Version != 1) {
			t.Errorf("a commit that was confirmed is not there: %v", getErr)
		}
	})
	for _, r := range []*payment.Record{lazy, gone, old} {
		within(t, crowdPatience, "the ledger does not tell what became of a change", func() { settled(t, s, r.Ref) })
	}
	within(t, closePatience, "the store does not close", func() { s = h.Reopen(t, s) })
	for _, r := range []*payment.Record{first, lazy, gone, old} {
		settled(t, s, r.Ref)
	}
}

// settled: what the ledger says of a record is what a change of it finds.
func settled(t *testing.T, s payment.Store, ref payment.Ref) {
	t.Helper()
	for range 100 {
		r, err := s.Get(ctx, ref)
		if errors.Is(err, payment.ErrNotFound) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			return
		}
		// It may still be written by one who has left, so a conflict is no lie.
		if err = s.Commit(ctx, payment.Change{Record: r}); err == nil {
			return
		}
		if !errors.Is(err, payment.ErrConflict) {
			t.Errorf("%s: %v", ref, err)
			return
		}
	}
	t.Errorf("%s: for ever another version", ref)
}
