package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
)

// operation is one run of an operation against the database: its time, and how
// often it was tried.
type operation struct {
	s        *Store
	caller   context.Context
	deadline time.Time
	tries    int
}

const (
	firstWait = 5 * time.Millisecond
	longWait  = 500 * time.Millisecond
)

// enter begins an operation. A try that was begun runs to its end, whether or not
// the caller's context does: a browser that leaves must not cost a connection. But
// there is no other try for a caller that has left.
func (s *Store) enter(ctx context.Context) (context.Context, *operation, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, nil, err
	}
	s.gate.RLock()
	if s.closed.Load() {
		s.gate.RUnlock()
		return nil, nil, nil, payment.ErrClosed
	}
	op := &operation{s: s, caller: ctx, deadline: time.Now().Add(s.cfg.timeout)}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), op.deadline)
	return ctx, op, func() { cancel(); s.gate.RUnlock() }, nil
}

// again waits before another try, or reports that it is time to give up.
func (op *operation) again() bool {
	wait := min(firstWait<<min(op.tries, 10), longWait)
	op.tries++
	wait = wait/2 + rand.N(wait) //nolint:gosec // jitter
	if time.Until(op.deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-op.caller.Done():
		return false
	}
}

// try runs f once on a connection of the pool. Where that fails with the
// connection, the idle ones are suspect too.
func (s *Store) try(ctx context.Context, f func(*pgxpool.Conn) error) (fate, error) {
	if s.life.Load() == nil {
		if err := s.settle(ctx); err != nil {
			return connected(err), err
		}
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return connected(err), err
	}
	defer conn.Release()
	if err = f(conn); err == nil {
		return 0, nil
	}
	if conn.Conn().IsClosed() || isState(err, stateReadOnly) {
		s.pool.Reset()
	}
	if isState(err, stateNoTable) {
		s.life.Store(nil) // the database was made anew under us
		return unsent, err
	}
	return fateOf(err), err
}

// read runs something that may be repeated at will.
func (s *Store) read(ctx context.Context, what string, f func(context.Context, *pgxpool.Conn) error) error {
	return s.repeat(ctx, what, func(ctx context.Context) (fate, error) {
		return s.try(ctx, func(c *pgxpool.Conn) error { return f(ctx, c) })
	})
}

// repeat is read with a try of the caller's own.
func (s *Store) repeat(ctx context.Context, what string, f func(context.Context) (fate, error)) error {
	ctx, op, done, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	for {
		if why := s.down.Load(); why != nil {
			return *why // the heart finds out when it is over
		}
		fate, err := f(ctx)
		if err == nil || passed(err) {
			return err
		}
		if fate == refused || !op.again() {
			return s.gaveUp(what, fate, err)
		}
		if op.tries > 3 && fate != collided {
			s.setDown(err)
		}
	}
}

// passed are errors of this module's own, which say nothing of the database.
func passed(err error) bool {
	return errors.Is(err, payment.ErrNotFound) || errors.Is(err, ErrFormat) || errors.Is(err, payment.ErrFull) ||
		errors.Is(err, payment.ErrConflict)
}

// gaveUp returns the end of an operation that did not succeed in its time.
func (s *Store) gaveUp(what string, f fate, err error) error {
	if f == unsent || f == lost || errors.Is(err, context.DeadlineExceeded) {
		s.setDown(err)
	}
	var no *RefusedError
	if errors.As(err, &no) {
		s.setDown(err)
	}
	return fmt.Errorf("%s: %w", what, told(err))
}
