package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Who only observes shares the account's rate with the shop's own plugin, so it asks
// sparingly.
//
// The invariant: about one account there is at most one question a second; beyond the
// first about each payment at most one for every twenty returns that were seen; and
// after a "too many" none for an hour. What the shop announced, by the headers of its redirect or by an
// intent, is asked about before what only a return names, because anybody can make returns up; and of
// that, what a bare redirect of the shop's has led a visit to gets every second question.
const (
	watchEvery = time.Second
	watchShare = 20
	watchPause = time.Hour
	// watchLook is how long after the shop's answer the provider is asked.
	watchLook = 10 * time.Second
	// watchAgain is how soon a question is looked at again that found no place.
	watchAgain = time.Minute
)

// watching is the pace at one account.
type watching struct {
	// seen are the returns that were seen, again the questions beyond the first about a
	// payment; both since this process began.
	seen, again int64
	// next is when the account may be asked again, line when the last of those who wait
	// looks again: each has a moment of its own. first is the last such moment of an
	// announced payment.
	next, line, first time.Time
	// dropped are the returns that are not asked about, since the process began; the last at
	// lastDrop. told is when somebody was told.
	dropped        int64
	lastDrop, told time.Time
}

func (s *Shared) watching(issuer string) *watching {
	w := s.watched[issuer]
	if w == nil {
		w = new(watching)
		s.watched[issuer] = w
	}
	return w
}

// sawReturn counts a return.
func (s *Shared) sawReturn(issuer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watching(issuer).seen++
}

// mayWatch takes a place for a question; again says that it is not the first about its
// payment, and announced that more than a return names it. Where there is none, at is when to
// look again.
func (s *Shared) mayWatch(issuer string, again, announced bool, now time.Time) (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watching(issuer)
	switch {
	case announced && now.Before(w.next):
		w.first = later(w.first.Add(watchEvery), w.next)
		return w.first, false
	case !announced && now.Before(w.first.Add(watchEvery)):
		w.line = later(w.line, w.first).Add(watchEvery) // those who were announced have all moments until then
		return w.line, false
	case now.Before(w.next):
		w.line = later(w.line.Add(watchEvery), w.next)
		return w.line, false
	case again && (w.again+1)*watchShare > w.seen:
		return now.Add(watchAgain), false
	case again:
		w.again++
	}
	// A question that comes late does not put off the next one's moment.
	w.next = later(w.next.Add(watchEvery), now.Add(watchEvery/2))
	return now, true
}

// pauseWatching keeps from asking for an hour.
func (s *Shared) pauseWatching(issuer string, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watching(issuer)
	w.next = now.Add(watchPause)
	return w.next
}

// watchFor keeps a place for a payment that only a return names. If there is no place, or another
// return loses its own for it, that is counted, and told once a minute.
func (e *Engine) watchFor(ctx context.Context, prov Provider, rec *payment.Record, s Seen) bool {
	now := e.now()
	dropped, ok := e.Shared.limits.Watch(rec.Issuer, string(rec.Ref), s.Client, now.Add(watchLook), e.ledTo(ctx, rec))
	if ok && dropped == "" {
		return true
	}
	if n := e.Shared.unwatched(rec.Issuer, now); n > 0 {
		e.Observer.Observe(Event{Name: EventUnwatched, Provider: s.Provider, Site: s.Site, Alert: true, Err: fmt.Errorf("%w (%d so far)", errUnwatched, n)})
	}
	if dropped == "" {
		return ok
	}
	old, err := e.Store.Get(ctx, payment.Ref(dropped))
	if err == nil && old.State == payment.Created && old.Observed != nil && old.Observed.Asks == 0 {
		if err = e.unpaid(ctx, old); err == nil {
			err = e.forgetWatched(ctx, old.Ref) // its customer may come once more
		}
	}
	if err != nil && !errors.Is(err, payment.ErrNotFound) && !errors.Is(err, payment.ErrConflict) {
		e.trouble(nil, err, false)
	}
	return ok
}

// ledTo: on the way to the bank the shop's own redirect has named the payment, which was noted for its
// visit. An open redirect of the shop could have, so it makes a turn and proves nothing.
func (e *Engine) ledTo(ctx context.Context, rec *payment.Record) bool {
	if len(e.Affiliates) == 0 {
		return false // nothing is noted
	}
	_, err := e.Store.Track(ctx, noteName(rec.Issuer, rec.ID))
	return err == nil
}

func (e *Engine) forgetWatched(ctx context.Context, ref payment.Ref) error {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return err
	}
	return e.Store.Forget(ctx, ref, rec.Version)
}

var errUnwatched = errors.New("more customers' returns came than the gateway may be asked about, so some are not asked about and their sales are not reported: let the shop announce its payments, or use the relay")

// unwatched counts a return that is not asked about. It returns how many there are if somebody
// must be told.
func (s *Shared) unwatched(issuer string, now time.Time) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watching(issuer)
	w.dropped++
	if w.lastDrop = now; !w.told.IsZero() && now.Before(w.told.Add(watchAgain)) {
		return 0
	}
	w.told = now
	return w.dropped
}

// watchTurn reports whether the payment that has come up is asked about now. Among those that only
// a return names, clients take turns: one whose turn it is not waits, and the other comes up in
// its place.
func (e *Engine) watchTurn(ctx context.Context, rec *payment.Record, now time.Time) (bool, error) {
	if rec.Observed.Asks > 0 || rec.Ref != seenRefOf(rec) {
		return true, nil
	}
	turn := e.Shared.limits.Turn(rec.Issuer, string(rec.Ref), now)
	if turn == string(rec.Ref) {
		return true, nil
	}
	other, err := e.Store.Get(ctx, payment.Ref(turn))
	if err != nil || other.State != payment.Created || other.Observed == nil || other.Observed.Asks > 0 || other.Due.IsZero() {
		return true, nil //nolint:nilerr // it is asked about by other ways, or not at all
	}
	next := later(other.Due, now.Add(watchEvery))
	if other.Due = now; e.commit(ctx, other, true) != nil {
		return true, nil // somebody works on it: it keeps its own moment
	}
	e.Shared.limits.Give(rec.Issuer, turn)
	defer e.wakeWorker()
	return false, e.reschedule(ctx, rec, next)
}

// Watching says how returns to a provider's observe routes wait whose payments nothing else
// names: how many, since when the first, and how many were not asked about, the last when.
func (e *Engine) Watching(provider string) (waiting int, since time.Time, dropped int64, last time.Time) {
	prov, err := e.provider(provider)
	if err != nil {
		return 0, since, 0, last
	}
	issuer := prov.Terms().Issuer
	waiting, since = e.Shared.limits.Watched(issuer)
	e.Shared.mu.Lock()
	defer e.Shared.mu.Unlock()
	if w := e.Shared.watched[issuer]; w != nil {
		dropped, last = w.dropped, w.lastDrop
	}
	return waiting, since, dropped, last
}
