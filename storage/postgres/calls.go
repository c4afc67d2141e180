package postgres

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

// await runs an operation to its own end, and lets the caller go before that if
// its context ends. What is under way is not cut off: a connection would be lost
// with it, and with others' changes in the same statement. What became of it is for
// the ledger to tell. f must touch nothing that the caller goes on to use.
func await[T any](ctx context.Context, s *Store, f func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if ctx.Done() == nil {
		return f()
	}
	type outcome struct {
		got   T
		err   error
		panic any
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if o.panic = recover(); o.panic != nil {
				s.log().Error("an operation of the ledger panicked", zap.Any("panic", o.panic), zap.ByteString("stack", debug.Stack()))
			}
			done <- o
		}()
		o.got, o.err = f()
	}()
	select {
	case o := <-done:
		if o.panic != nil {
			panic(o.panic) // where it would have been without the goroutine
		}
		return o.got, o.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", errLeft, context.Cause(ctx))
	}
}

// tell is await for what gives no more than an error.
func tell(ctx context.Context, s *Store, f func() error) error {
	_, err := await(ctx, s, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// Get implements [payment.Store].
func (s *Store) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	return await(ctx, s, func() (*payment.Record, error) { return s.get(ctx, ref) })
}

// Holder implements [payment.Store].
func (s *Store) Holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	return await(ctx, s, func() (payment.Ref, error) { return s.holder(ctx, k) })
}

// Look implements [payment.Looker].
func (s *Store) Look(ctx context.Context, refs []payment.Ref, keys ...payment.Key) ([]*payment.Record, []payment.Held, error) {
	type found struct {
		recs []*payment.Record
		held []payment.Held
	}
	refs, keys = slices.Clone(refs), slices.Clone(keys)
	f, err := await(ctx, s, func() (f found, err error) {
		f.recs, f.held, err = s.lookUp(ctx, refs, keys)
		return f, err
	})
	return f.recs, f.held, err
}

// Forget implements [payment.Store].
func (s *Store) Forget(ctx context.Context, ref payment.Ref, version uint64) error {
	return tell(ctx, s, func() error { return s.forget(ctx, ref, version) })
}

// Due implements [payment.Store]. Where several nodes work, this node's share
// comes first, then what others have left lying.
func (s *Store) Due(ctx context.Context, t time.Time, limit int) ([]payment.Ref, error) {
	return await(ctx, s, func() ([]payment.Ref, error) { return s.dueNow(ctx, t, limit) })
}

// List implements [payment.Store]. A page may hold fewer records than the
// limit and yet go on.
func (s *Store) List(ctx context.Context, q payment.Listing) (payment.Page, error) {
	q.States = slices.Clone(q.States)
	return await(ctx, s, func() (payment.Page, error) { return s.list(ctx, q) })
}

// Reserve implements [payment.Store]. Keys that were taken stay so if a later
// part fails.
func (s *Store) Reserve(ctx context.Context, keys []payment.Key) (int, error) {
	keys = slices.Clone(keys)
	return await(ctx, s, func() (int, error) { return s.reserve(ctx, keys) })
}

// PutTrack implements [payment.Store].
func (s *Store) PutTrack(ctx context.Context, visitor string, t payment.Track, expires time.Time) error {
	return tell(ctx, s, func() error { return s.putTrack(ctx, visitor, t, expires) })
}

// Track implements [payment.Store].
func (s *Store) Track(ctx context.Context, visitor string) (payment.Track, error) {
	return await(ctx, s, func() (payment.Track, error) { return s.track(ctx, visitor) })
}

// Secret implements [payment.Store]. Whichever node is first, its secret is
// everybody's.
func (s *Store) Secret(ctx context.Context, name string, mint func() ([]byte, error)) ([]byte, error) {
	return await(ctx, s, func() ([]byte, error) { return s.secret(ctx, name, mint) })
}

// Generation implements [payment.Store].
func (s *Store) Generation(ctx context.Context) (payment.Generation, error) {
	return await(ctx, s, func() (payment.Generation, error) { return s.generation(ctx) })
}

// Interface guards.
var (
	_ payment.Store  = (*Store)(nil)
	_ payment.Looker = (*Store)(nil)
)
