package watch

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Waiter is a payment that waits for a person or for an answer.
type Waiter struct {
	Ref            payment.Ref
	State          payment.State
	Provider, Site string
	Reason         payment.Reason
	Since          time.Time
	Amount         payment.Rials
	Live           bool

	// flying: nothing has gone wrong with it yet, so the ledger's index of what waits
	// does not have it.
	flying bool
}

// tally keeps what waits up by each transition.
//
// Invariant: nobody who reads it waits for the ledger. What another node, a crash or
// a dropped event has left behind is put right by the next recount, and what happens
// during a recount wins over what the recount has read.
type tally struct {
	all map[payment.Ref]Waiter
	// touched are the payments of which something was heard since a recount began.
	touched map[payment.Ref]bool
	// more: the ledger has more than are kept.
	more bool
}

// mostWaiting bounds the memory for what waits.
const mostWaiting = 20_000

func (t *tally) note(r *payment.Record, now time.Time) {
	if t.touched != nil {
		t.touched[r.Ref] = true
	}
	flying := !r.Waits()
	if flying && r.State != payment.Verified && r.State != payment.Delivering {
		delete(t.all, r.Ref)
		return
	}
	x := waiter(r)
	if x.flying = flying; flying {
		x.Since = now
		if old, known := t.all[r.Ref]; known && old.State == r.State {
			x.Since = old.Since
		}
	}
	if _, known := t.all[r.Ref]; known || len(t.all) < mostWaiting {
		t.all[r.Ref] = x
	}
}

func waiter(r *payment.Record) Waiter {
	st, sum := r.State, r.HandedAmount()
	switch {
	case r.Waits() && r.OpenRefund() >= 0:
		st = Refund
	case r.Owed():
		st, sum = Owed, r.OwedAmount()
	}
	return Waiter{Ref: r.Ref, State: st, Provider: r.Provider, Site: r.Site, Reason: r.Reason, Since: r.WaitsSince(), Amount: sum, Live: r.Environment != payment.Sandbox}
}

// Key is what the gauges tell apart.
type Key struct {
	State    payment.State
	Provider string
}

// Waiting is how many wait, by state and provider, and since when the oldest of each
// state does.
func (w *Watch) Waiting() (counts map[Key]int, oldest map[payment.State]time.Time) {
	counts, oldest = make(map[Key]int), make(map[payment.State]time.Time)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.waiting.all {
		counts[Key{x.State, x.Provider}]++
		if old, known := oldest[x.State]; !known || x.Since.Before(old) {
			oldest[x.State] = x.Since
		}
	}
	return counts, oldest
}

// Waiters are the payments that wait; more is whether the ledger has others.
func (w *Watch) Waiters() (all []Waiter, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.waiting.all {
		all = append(all, x)
	}
	return all, w.waiting.more
}

// flyingMost is how many payments on their way are looked up in one recount, and
// flyingFor how long one is on its way before it is.
const (
	flyingMost = 200
	flyingFor  = 30 * time.Second
)

// Recount reads from the ledger what waits. One recount runs at a time, because what happens
// meanwhile is kept for one; ctx bounds how long it waits for another.
func (w *Watch) Recount(ctx context.Context, store payment.Store) error {
	select {
	case w.recounting <- struct{}{}:
		defer func() { <-w.recounting }()
	case <-ctx.Done():
		return ctx.Err()
	}
	w.mu.Lock()
	w.waiting.touched = make(map[payment.Ref]bool)
	w.mu.Unlock()
	found, more, err := list(ctx, store)
	if err == nil {
		err = w.reread(ctx, store, found)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	touched := w.waiting.touched
	w.waiting.touched = nil
	if err != nil {
		return err
	}
	maps.DeleteFunc(found, func(ref payment.Ref, _ Waiter) bool { return touched[ref] })
	for ref, x := range w.waiting.all {
		if _, known := found[ref]; touched[ref] || !known && x.flying && w.now().Sub(x.Since) < flyingFor {
			found[ref] = x
		}
	}
	w.waiting.all, w.waiting.more = found, more
	return nil
}

func list(ctx context.Context, store payment.Store) (map[payment.Ref]Waiter, bool, error) {
	found := make(map[payment.Ref]Waiter)
	for q := (payment.Listing{Waiting: true, Limit: 1000}); ; {
		page, err := store.List(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for _, r := range page.Records {
			found[r.Ref] = waiter(r)
		}
		if page.Next == "" || len(found) >= mostWaiting {
			return found, page.Next != "", nil
		}
		q.Cursor = page.Next
	}
}

// reread looks up those that have been on their way for long.
func (w *Watch) reread(ctx context.Context, store payment.Store, found map[payment.Ref]Waiter) error {
	all, _ := w.Waiters()
	n := 0
	for _, x := range all {
		if _, known := found[x.Ref]; known || !x.flying || w.now().Sub(x.Since) < flyingFor {
			continue
		}
		if n++; n > flyingMost {
			found[x.Ref] = x // in doubt it waits
			continue
		}
		r, err := store.Get(ctx, x.Ref)
		switch {
		case errors.Is(err, payment.ErrNotFound):
		case err != nil:
			return err
		case r.State == payment.Verified || r.State == payment.Delivering:
			x.State = r.State
			found[x.Ref] = x
		}
	}
	return nil
}
