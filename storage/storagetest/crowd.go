package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Every caller is answered, however many there are: a store groups changes, and
// these are fewer, as many, one more, and many more than any group of its takes.
var crowds = []int{1, 64, 257, 2000} //nolint:gochecknoglobals // a constant

const (
	crowdPatience = 90 * time.Second
	closePatience = 20 * time.Second
)

func testCrowd(t *testing.T, h Harness) {
	for _, n := range crowds {
		t.Run(itoa(n), func(t *testing.T) { crowd(t, h, h.Open(t), n) })
	}
}

func testCrowdSlow(t *testing.T, h Harness) {
	if h.Slow == nil {
		t.Log("its syncs can't be slowed down")
		return
	}
	for _, n := range crowds[2:] {
		t.Run(itoa(n), func(t *testing.T) { crowd(t, h, h.Slow(t, 30*time.Millisecond), n) })
	}
}

// caller is one of a crowd: what it needs before, what it does, and what must be
// seen of it after the store was opened again.
type caller struct {
	before func(s payment.Store) error
	do     func(ctx context.Context, s payment.Store) error
	after  func(s payment.Store) error
}

// crowd lets callers with changes of all kinds in at once. Each must be told what
// is true for its own change, and the store must close.
func crowd(t *testing.T, h Harness, s payment.Store, n int) {
	kinds := []func(i int) caller{
		newcomer(false), newcomer(true), renewer(false), renewer(true), latecomer, taker, visitor, reserver, forgetter, keeper,
	}
	owner := newRecord(9_000_000)
	put(t, s, owner, payment.ReceiptKey("i", "contested"))

	callers := make([]caller, n)
	for i := range callers {
		callers[i] = kinds[i%len(kinds)](i)
	}
	within(t, crowdPatience, "preparing", func() {
		race(n, func(i int) {
			if callers[i].before != nil {
				if err := callers[i].before(s); err != nil {
					t.Errorf("preparing %d: %v", i, err)
				}
			}
		})
	})
	var answered atomic.Int64
	within(t, crowdPatience, "somebody is never answered", func() {
		race(n, func(i int) {
			ctx, cancel := ctx, context.CancelFunc(func() {})
			if i/len(kinds)%2 == 0 { // one who could leave
				ctx, cancel = context.WithCancel(ctx)
			}
			defer cancel()
			if err := callers[i].do(ctx, s); err != nil {
				t.Errorf("%d of %d: %v", i, n, err)
			}
			answered.Add(1)
		})
	})
	if got := answered.Load(); got != int64(n) {
		t.Fatalf("%d of %d were answered", got, n)
	}
	within(t, closePatience, "the store does not close", func() { s = h.Reopen(t, s) })
	for i, c := range callers {
		if c.after != nil {
			if err := c.after(s); err != nil {
				t.Errorf("afterwards, %d of %d: %v", i, n, err)
			}
		}
	}
}

// within fails the test if f takes longer.
func within(t *testing.T, patience time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal(what)
	}
}

func hasVersion(s payment.Store, ref payment.Ref, version uint64) error {
	r, err := s.Get(ctx, ref)
	if err == nil && r.Version != version {
		err = fmt.Errorf("version %d, want %d", r.Version, version)
	}
	return err
}

func newcomer(lazy bool) func(i int) caller {
	return func(i int) caller {
		r := newRecord(i)
		return caller{
			do: func(ctx context.Context, s payment.Store) error {
				if err := s.Commit(ctx, payment.Change{Record: r, Take: []payment.Key{payment.IntentKey(r.Issuer, r.ID)}, Lazy: lazy}); err != nil {
					return err
				}
				return hasVersion(s, r.Ref, 1)
			},
			after: func(s payment.Store) error { return hasVersion(s, r.Ref, 1) },
		}
	}
}

func renewer(lazy bool) func(i int) caller {
	return func(i int) caller {
		c := newcomer(true)(i)
		return caller{
			before: func(s payment.Store) error { return c.do(ctx, s) },
			do: func(ctx context.Context, s payment.Store) error {
				r, err := s.Get(ctx, newRecord(i).Ref)
				if err != nil {
					return err
				}
				return s.Commit(ctx, payment.Change{Record: r, Lazy: lazy})
			},
			after: func(s payment.Store) error { return hasVersion(s, newRecord(i).Ref, 2) },
		}
	}
}

// latecomer comes with a version that has moved on.
func latecomer(i int) caller {
	c := newcomer(true)(i)
	return caller{
		before: func(s payment.Store) error { return c.do(ctx, s) },
		do: func(ctx context.Context, s payment.Store) error {
			err := s.Commit(ctx, payment.Change{Record: newRecord(i), Lazy: i%20 == 4})
			if !errors.Is(err, payment.ErrConflict) {
				return fmt.Errorf("no conflict: %w", err)
			}
			return nil
		},
		after: c.after,
	}
}

// taker wants a key that is another's.
func taker(i int) caller {
	r := newRecord(i)
	return caller{
		do: func(ctx context.Context, s payment.Store) error {
			k := payment.ReceiptKey("i", "contested")
			err := s.Commit(ctx, payment.Change{Record: r, Take: []payment.Key{k}})
			var taken *payment.TakenError
			if !errors.As(err, &taken) || taken.Key != k || taken.Holder != newRecord(9_000_000).Ref {
				return fmt.Errorf("not told who holds the key: %w", err)
			}
			return nil
		},
		after: func(s payment.Store) error {
			if _, err := s.Get(ctx, r.Ref); !errors.Is(err, payment.ErrNotFound) {
				return fmt.Errorf("it was written: %w", err)
			}
			return nil
		},
	}
}

func visitor(i int) caller {
	look := func(s payment.Store) error {
		got, err := s.Track(ctx, itoa(i))
		if err == nil && got.ID != "track-"+itoa(i) {
			err = fmt.Errorf("another's track: %s", got.ID)
		}
		return err
	}
	return caller{
		do: func(ctx context.Context, s payment.Store) error {
			if err := s.PutTrack(ctx, itoa(i), payment.Track{ID: "track-" + itoa(i)}, s.Now().Add(time.Hour)); err != nil {
				return err
			}
			return look(s)
		},
		after: look,
	}
}

func reserver(i int) caller {
	k := payment.ReceiptKey("used", itoa(i))
	return caller{
		do: func(ctx context.Context, s payment.Store) error {
			n, err := s.Reserve(ctx, []payment.Key{k, payment.ReceiptKey("i", "contested")})
			if err == nil && n != 1 {
				err = fmt.Errorf("%d of one new key and one that is held", n)
			}
			return err
		},
		after: func(s payment.Store) error {
			_, err := s.Holder(ctx, k)
			return err
		},
	}
}

func forgetter(i int) caller {
	r := newRecord(i)
	r.State = payment.Declined
	return caller{
		before: func(s payment.Store) error { return s.Commit(ctx, payment.Change{Record: r}) },
		do:     func(ctx context.Context, s payment.Store) error { return s.Forget(ctx, r.Ref, 1) },
		after: func(s payment.Store) error {
			if _, err := s.Get(ctx, r.Ref); !errors.Is(err, payment.ErrNotFound) {
				return fmt.Errorf("it was not forgotten: %w", err)
			}
			return nil
		},
	}
}

func keeper(i int) caller {
	name := "secret-" + itoa(i%3)
	return caller{do: func(ctx context.Context, s payment.Store) error {
		b, err := s.Secret(ctx, name, func() ([]byte, error) { return []byte(itoa(i) + " minted " + name), nil })
		if err != nil {
			return err
		}
		again, err := s.Secret(ctx, name, func() ([]byte, error) { return nil, errors.New("minted twice") })
		if err == nil && !bytes.Equal(b, again) {
			err = errors.New("not everybody has the same secret")
		}
		return err
	}}
}
