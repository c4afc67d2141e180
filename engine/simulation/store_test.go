package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// errAway: it could not be written, which is certain.
var errAway = fmt.Errorf("%w: the ledger records nothing", payment.ErrFull)

var errReset = errors.New("connection reset by the store")

// store is a process's handle on the ledger: a port.
type store struct{ p *process }

// do lets an operation happen, or fail as stores fail.
func (s *store) do(ctx context.Context, what string, at pace, op func()) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w, err := s.p.w, error(nil)
	alive := s.p.do(ctx, what, at, func(*call) {
		switch {
		case s.p.broken != nil:
			err = s.p.broken
		case s.p.away && w.plugin.forward.blind:
			err = payment.ErrClosed
		case w.strikes(readError):
			err = errReset
		default:
			op()
		}
	})
	if !alive {
		return payment.ErrClosed
	}
	return err
}

// Get implements [payment.Store].
func (s *store) Get(ctx context.Context, ref payment.Ref) (r *payment.Record, err error) {
	w := s.p.w
	failed := s.do(ctx, "get "+w.label(ref), quick, func() {
		if found := w.ledger.get(ref); found != nil {
			r = found.Clone()
			w.walk.learns(found)
		} else {
			err = payment.ErrNotFound
		}
	})
	if failed != nil {
		return nil, failed
	}
	return r, err
}

// Holder implements [payment.Store].
func (s *store) Holder(ctx context.Context, k payment.Key) (ref payment.Ref, err error) {
	w := s.p.w
	failed := s.do(ctx, "holder of the "+string(k.Kind)+" "+k.Parts[1]+" "+k.Parts[2], quick, func() {
		found, ok := w.ledger.holder(k)
		if ref = found; !ok {
			err = payment.ErrNotFound
		}
		w.walk.learns(ref)
	})
	if failed != nil {
		return "", failed
	}
	return ref, err
}

// Commit implements [payment.Store].
func (s *store) Commit(ctx context.Context, c payment.Change) (err error) {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w, p, at := s.p.w, s.p, synced
	w.mu.Lock()
	w.watch.learns(w, c.Record)
	w.mu.Unlock()
	if c.Lazy {
		at = quick
	}
	alive := p.do(ctx, "commit "+w.label(c.Record.Ref)+" "+string(c.Record.State), at, func(*call) {
		err = s.write(c)
		w.walk.learns(err)
	})
	if !alive {
		return payment.ErrClosed
	}
	return err
}

func (s *store) write(c payment.Change) error {
	w, p := s.p.w, s.p
	if p.broken != nil {
		return p.broken
	}
	if w.strikes(ledgerAway) {
		w.away(p)
	}
	if p.away {
		return errAway
	}
	if w.strikes(storeFull) {
		w.fill()
	}
	if w.full && c.Record.Version == 0 {
		return payment.ErrFull
	}
	if w.strikes(raced) {
		w.touch(c.Record.Ref)
	}
	switch {
	case w.strikes(commitLost):
		return s.unknown()
	case w.strikes(commitApplied):
		written := payment.Change{Record: c.Record.Clone(), Take: c.Take, Lazy: c.Lazy}
		if err := w.apply(p, written, !w.plan.joined); err != nil {
			return err
		}
		return s.unknown()
	case w.plan.joined && w.strikes(commitLate):
		written := payment.Change{Record: c.Record.Clone(), Take: c.Take, Lazy: c.Lazy}
		into := w.ledger
		w.in(w.lot.between(time.Millisecond, 20*time.Second), func() {
			if w.ledger != into {
				return // its connection ended with the ledger that was lost
			}
			w.note("  …a commit of %s is written late: %v", w.label(c.Record.Ref), w.apply(p, written, false))
		})
		return s.unknown()
	}
	return w.apply(p, c, false)
}

// unknown is what a commit says whose outcome is not known. An embedded store
// refuses further work until it was opened again.
func (s *store) unknown() error {
	w, p := s.p.w, s.p
	w.note("  …and its outcome is not known")
	if w.plan.joined {
		return errReset
	}
	p.broken = payment.ErrBroken
	w.in(w.lot.between(time.Second, 30*time.Second), func() { w.kill(p, w.lot.chance(0.3)) })
	return payment.ErrBroken
}

// Forget implements [payment.Store].
func (s *store) Forget(ctx context.Context, ref payment.Ref, version uint64) (err error) {
	w := s.p.w
	failed := s.do(ctx, "forget "+w.label(ref), quick, func() {
		err = w.ledger.forget(ref, version)
		w.walk.learns(err)
	})
	if failed != nil {
		return failed
	}
	return err
}

// Due implements [payment.Store].
func (s *store) Due(ctx context.Context, t time.Time, limit int) (refs []payment.Ref, err error) {
	w := s.p.w
	err = s.do(ctx, "due", quick, func() {
		refs = w.ledger.overdue(t, limit)
		w.walk.learns(len(refs))
	})
	return refs, err
}

// errAbsent: the engine asks no such thing.
var errAbsent = errors.New("not simulated")

// List implements [payment.Store]: an account's first look finds nothing, as all
// payments here are of one account.
func (s *store) List(context.Context, payment.Listing) (payment.Page, error) {
	return payment.Page{}, nil
}

// Reserve implements [payment.Store].
func (s *store) Reserve(context.Context, []payment.Key) (int, error) { return 0, errAbsent }

// PutTrack implements [payment.Store].
func (s *store) PutTrack(ctx context.Context, visitor string, t payment.Track, _ time.Time) error {
	return s.do(ctx, "put a track", quick, func() { s.p.w.ledger.tracks[visitor] = t })
}

// Track implements [payment.Store].
func (s *store) Track(ctx context.Context, visitor string) (t payment.Track, err error) {
	failed := s.do(ctx, "track", quick, func() {
		found, ok := s.p.w.ledger.tracks[visitor]
		if t = found; !ok {
			err = payment.ErrNotFound
		}
	})
	if failed != nil {
		return t, failed
	}
	return t, err
}

// Secret implements [payment.Store].
func (s *store) Secret(_ context.Context, name string, mint func() ([]byte, error)) ([]byte, error) {
	s.p.w.mu.Lock()
	defer s.p.w.mu.Unlock()
	secrets := s.p.w.ledger.secrets
	if b, ok := secrets[name]; ok {
		return b, nil
	}
	b, err := mint()
	if err == nil {
		secrets[name] = b
	}
	return b, err
}

// Generation implements [payment.Store].
func (s *store) Generation(context.Context) (payment.Generation, error) {
	defer s.p.w.seen()
	return s.p.w.ledger.gen, nil
}

// Now implements [payment.Store]: a joined store has a clock of its own.
func (s *store) Now() time.Time {
	defer s.p.w.seen()
	if s.p.w.plan.joined {
		return s.p.w.now
	}
	return s.p.Now()
}

// Alive implements [payment.Store]: in an embedded store every lease found at
// open is dead.
func (s *store) Alive(l payment.Lease) bool {
	return s.Now().Before(l.Until) && (s.p.w.plan.joined || l.Owner == s.Owner())
}

// Owner implements [payment.Store].
func (s *store) Owner() string { return s.p.name }

// Ready implements [payment.Store].
func (s *store) Ready() error {
	defer s.p.w.seen()
	switch {
	case s.p.dead:
		return payment.ErrClosed
	case s.p.broken != nil:
		return s.p.broken
	case s.p.away:
		return errAway
	case s.p.w.full:
		return payment.ErrFull
	}
	return nil
}
