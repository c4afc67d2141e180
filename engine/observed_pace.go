package engine

import "time"

// Who only observes shares the account's rate with the shop's own plugin, so it asks
// sparingly.
//
// The invariant: about one account there is at most one question a second; beyond the
// first about each payment at most one for every twenty returns that were seen; and
// after a "too many" none for an hour. What the shop announced, by a redirect or an intent,
// is asked about before what only a return names, because anybody can make returns up.
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
