package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Some providers list payments that were paid and not verified. The worker reads the list
// while something may be in it. So a customer who paid and never came back is settled
// soon, and not only shortly before the window closes.
const (
	// listEvery is how often a list is read.
	listEvery = time.Minute
	// listAnyway is how long after an intent the list is read if the document names no
	// window.
	listAnyway = time.Hour
)

// listing is what is known of one account's list.
type listing struct {
	// intended is when the last payment began, or this process. next is when to read the
	// list again.
	intended, next time.Time
}

// intended records that a payment of an issuer began.
func (s *Shared) intended(issuer string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.listings[issuer]
	l.intended = now
	s.listings[issuer] = l
}

// mayList reports whether it is time to read a list again.
func (s *Shared) mayList(issuer string, now time.Time, span, wait time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, known := s.listings[issuer]
	if !known {
		l.intended = now // what was begun before this process is looked after, too
	}
	if now.Before(l.next) || now.Sub(l.intended) > span+listEvery {
		return false
	}
	l.next = now.Add(wait)
	s.listings[issuer] = l
	return true
}

// listUnverified has the lists read whose time has come. It waits for none of them.
func (e *Engine) listUnverified(ctx context.Context) {
	for name, prov := range e.Providers {
		lister, ok := prov.Provider.(payment.Lister)
		if !ok || e.Store.Ready() != nil {
			continue
		}
		t := prov.Terms()
		span := t.Window
		if span <= 0 {
			span = listAnyway
		}
		if !e.Shared.mayList(t.Issuer, e.now(), span, spread(listEvery, 0.2, e.Rand())) || !e.begin() {
			continue
		}
		e.mu.Lock()
		e.asking++
		e.mu.Unlock()
		go func() {
			defer e.running.Done()
			defer e.answered()
			ctx := context.WithoutCancel(ctx)
			err := e.safely("", func() error { return e.list(ctx, prov, lister) })
			switch {
			case errors.Is(err, payment.ErrOperator):
				e.Observer.Observe(Event{Name: EventOperator, Provider: name, Err: err, Alert: true})
			case err != nil && e.Store.Ready() != nil:
				e.trouble(nil, err, false)
			}
		}()
	}
}

// list reads one provider's list, in its lane and through its breaker.
func (e *Engine) list(ctx context.Context, prov Provider, lister payment.Lister) error {
	host := hostOf(prov.Terms())
	callCtx, cancel := context.WithTimeout(ctx, prov.Timeout)
	defer cancel()
	leave, err := e.Shared.hosts.Enter(callCtx, host, true)
	if err != nil {
		return nil //nolint:nilerr // others are asked now: the next look is soon enough
	}
	defer leave()
	breaker := e.Shared.hosts.Breaker(host)
	probe, ok := breaker.Allow(e.now())
	if !ok {
		return nil
	}
	asked := false
	defer func() {
		if !asked {
			breaker.Cancel(probe)
		}
	}()
	pending, err := lister.Unverified(callCtx)
	asked = true
	if breaker.Done(probe, err == nil, e.now()) {
		e.Observer.Observe(Event{Name: EventBreaker, Err: err, Alert: true})
	}
	if err != nil {
		return fmt.Errorf("listing what is unverified: %w", err)
	}
	for _, p := range pending {
		if err := e.awaiting(ctx, prov, p); err != nil {
			return fmt.Errorf("noting what is unverified: %w", err)
		}
	}
	return nil
}

// awaiting records that the provider calls a payment paid and unverified. A payment that
// this ledger doesn't know is brought back where its callback leads to one of our sites, and
// else ignored, because others may share the account.
//
// A payment that can be verified and delivered without its customer is settled after the
// time in which customers usually come back. For others a person is alerted.
func (e *Engine) awaiting(ctx context.Context, prov Provider, p payment.Pending) error {
	rec, err := e.announcedBefore(ctx, prov, p.ID)
	if err != nil {
		return ignoreNotFound(err)
	}
	if rec == nil {
		return e.recover(ctx, prov, p)
	}
	if !prov.Terms().AnswersFor(rec.Issuer) {
		return nil // another account's list says nothing about it
	}
	if rec.Observed != nil {
		return e.listedObserved(ctx, rec)
	}
	if rec.State != payment.Created || arrived(rec) || !rec.Expect.Known() || !rec.Attempts.Awaiting.IsZero() {
		return nil
	}
	now := e.now()
	rec.Attempts.Awaiting, rec.UpdatedAt = now, now
	stuck := rec.Return == nil || unproved(prov.Terms(), rec, payment.Claimed{})
	if stuck {
		rec.Reason = payment.ReasonUnclaimed
	} else if at := now.Add(browserGrace); rec.Due.IsZero() || at.Before(rec.Due) {
		rec.Due = at
	}
	// Rule 4 rests on it, so it is durable.
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	e.claimed(rec.Ref)
	if stuck {
		e.observe(EventUnclaimed, rec, nil, true)
	}
	return nil
}

func ignoreNotFound(err error) error {
	if errors.Is(err, payment.ErrNotFound) {
		return nil
	}
	return err
}
