package badger

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Who is told of a lazy change knows that what it rests on has happened: here
// that the key which it took was given back, by a change of the same batch which
// nobody has been told of yet. So readers of that wait, too. Checking histories
// found it.
func TestWhatALazyChangeRestsOnIsSeen(t *testing.T) {
	hold := make(chan struct{})
	held := false
	s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) {
		c.tick = time.Hour
		c.commitHook = func(uint64) error {
			if held {
				<-hold
			}
			return nil
		}
	})
	ctx := context.Background()
	old, next, other := delivered(1), delivered(2), delivered(3)
	key := payment.IntentKey(old.Issuer, "intent")
	old.State, old.Receipt, old.Conversion = payment.Declined, nil, nil
	must(t, s.Commit(ctx, payment.Change{Record: old, Take: []payment.Key{key}}))
	must(t, s.Commit(ctx, payment.Change{Record: other}))
	k, _ := packed.Ref(old.Ref)
	forget := &change{ctx: ctx, done: make(chan error, 1),
		stage: func(get getter) ([]write, error) { return stageForget(get, k, old.Ref, 1) }}
	nk, _ := packed.Ref(next.Ref)
	next.Version = 1
	body, err := packed.Body(next, 1)
	must(t, err)
	take := &change{ctx: ctx, lazy: true, done: make(chan error, 1),
		stage: func(get getter) ([]write, error) { return stageCommit(get, nk, next, body, []payment.Key{key}) }}
	held = true
	s.writer.mu.Lock()
	s.writer.queue, s.writer.taken = []*change{forget, take}, true
	s.writer.holders.Add(1)
	s.writer.mu.Unlock()
	go s.write(nil)
	must(t, <-take.done)
	seen := make(chan error, 1)
	go func() {
		_, err := s.Get(ctx, old.Ref)
		seen <- err
	}()
	if _, err := s.Get(ctx, other.Ref); err != nil { // nobody else waits
		t.Error(err)
	}
	close(hold)
	must(t, <-forget.done)
	if err := <-seen; !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("the record that gave its key back is still read: %v", err)
	}
}

// Who loses against a change of the same batch is told when that change is
// settled: before, reading again would show the version that he had, and a power
// cut could still take the winner back.
func TestLoserWaitsForTheWinner(t *testing.T) {
	for _, fail := range []bool{false, true} {
		var inFlight func() error
		s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) {
			c.tick = time.Hour
			c.commitHook = func(uint64) error {
				if inFlight != nil {
					return inFlight()
				}
				return nil
			}
		})
		ctx := context.Background()
		stage := func(order string) *change {
			r := delivered(1)
			r.Order, r.Version = order, 1
			k, _ := packed.Ref(r.Ref)
			body, err := packed.Body(r, 1)
			must(t, err)
			return &change{ctx: ctx, done: make(chan error, 1),
				stage: func(get getter) ([]write, error) { return stageCommit(get, k, r, body, nil) }}
		}
		first, second := stage("first"), stage("second")
		boom := errors.New("input/output error")
		inFlight = func() error {
			if len(second.done) > 0 {
				t.Error("told before the winner is settled")
			}
			if fail {
				return boom
			}
			return nil
		}
		s.writer.mu.Lock()
		s.writer.queue, s.writer.taken = []*change{first, second}, true
		s.writer.holders.Add(1)
		s.writer.mu.Unlock()
		s.write(nil)
		errFirst, errSecond := <-first.done, <-second.done
		if !fail && (errFirst != nil || !errors.Is(errSecond, payment.ErrConflict)) {
			t.Errorf("%v, %v", errFirst, errSecond)
		}
		if fail && (!errors.Is(errFirst, payment.ErrBroken) || !errors.Is(errSecond, payment.ErrBroken)) {
			t.Errorf("the winner's outcome is unknown, and so is the loser's: %v, %v", errFirst, errSecond)
		}
	}
}
