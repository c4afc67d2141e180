package limit

import (
	"slices"
	"time"
)

// lineup is what waits for a question to one account: clients take turns, and of each the oldest
// is next.
//
// Invariant: while what the shop's redirect to the bank has named waits, every second turn is among
// that alone. So who only makes returns up puts it off by no more than one question, and who has
// made such redirects, too, leaves half of the turns to all others.
type lineup struct {
	of   map[string]string
	refs map[string][]waiter
	// ring are the clients that have something here; whose turn it is comes first.
	ring []string
	// given are those that have got another's moment.
	given map[string]bool
	// others: the last turn was among what a redirect had named, so the next is among all.
	others bool
}

type waiter struct {
	ref string
	// from is when it may be asked about.
	from time.Time
	// led: the shop's redirect to the bank has named it.
	led bool
}

// add puts a return in. Where there is no room, the oldest of the client that has most makes it,
// unless that is the newcomer's client: then nothing is written for a newcomer. Whoever is driven
// out costs writes, and so nobody can cause more of them than there are questions.
func (l *lineup) add(client string, w waiter) (dropped string, ok bool) {
	if _, in := l.of[w.ref]; in {
		return "", true
	}
	mine := len(l.refs[client])
	switch {
	case mine >= queueClient:
		return "", false
	case len(l.of) >= queueAll:
		greediest := ""
		for _, c := range l.ring {
			if greediest == "" || len(l.refs[c]) > len(l.refs[greediest]) {
				greediest = c
			}
		}
		if len(l.refs[greediest]) <= mine+1 {
			return "", false
		}
		dropped = l.refs[greediest][0].ref
	}
	if dropped != "" {
		l.leave(dropped)
	}
	if len(l.refs[client]) == 0 {
		l.ring = append(l.ring, client)
	}
	l.of[w.ref] = client
	l.refs[client] = append(l.refs[client], w)
	return dropped, true
}

func (l *lineup) leave(ref string) {
	client, in := l.of[ref]
	if !in {
		return
	}
	delete(l.of, ref)
	left := slices.DeleteFunc(l.refs[client], func(w waiter) bool { return w.ref == ref })
	if l.refs[client] = left; len(left) == 0 {
		delete(l.refs, client)
		l.ring = slices.DeleteFunc(l.ring, func(c string) bool { return c == client })
	}
}

// turn is whose turn it is, who waits no longer then. Its client is the last of all from now on.
func (l *lineup) turn(now time.Time) (ref string, ok bool) {
	if l.others = !l.others; l.others {
		if ref, ok = l.next(now, true); ok {
			return ref, true
		}
	}
	return l.next(now, false)
}

// next is turn among all, or among what a redirect has led.
func (l *lineup) next(now time.Time, led bool) (ref string, ok bool) {
	for i, client := range l.ring {
		for _, w := range l.refs[client] {
			if now.Before(w.from) || led && !w.led {
				continue
			}
			l.ring = append(slices.Delete(l.ring, i, i+1), client)
			l.leave(w.ref)
			return w.ref, true
		}
	}
	return "", false
}

// Watch keeps a place for a return to a shop that verifies by itself, until its account was asked
// about it; from is when it may be, and led says that the shop's redirect to the bank has named it. Without a place it is not even recorded. dropped is the
// return that lost its place for it.
func (l *Strangers) Watch(account, ref, client string, from time.Time, led bool) (dropped string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := l.seen[account]
	if line == nil {
		line = &lineup{of: make(map[string]string), refs: make(map[string][]waiter), given: make(map[string]bool)}
		l.seen[account] = line
	}
	return line.add(neighbourhood(client), waiter{ref, from, led})
}

// Turn says which return an account is asked about in the place of ref, which has come up: that of
// the client whose turn it is. What waits in no line, such as after a restart, keeps its place.
//
// Invariant: a return is asked about by whoever works on its record, and by nobody else: one that
// gets another's moment is told so by Given when it comes up.
func (l *Strangers) Turn(account, ref string, now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := l.seen[account]
	if line == nil {
		return ref
	}
	if _, in := line.of[ref]; !in {
		return ref
	}
	if next, ok := line.turn(now); ok {
		return next
	}
	line.leave(ref)
	return ref
}

// Give lets a return have the moment of another.
func (l *Strangers) Give(account, ref string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line := l.seen[account]; line != nil {
		line.given[ref] = true
	}
}

// Given reports whether a return has got another's moment, once.
func (l *Strangers) Given(account, ref string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := l.seen[account]
	given := line != nil && line.given[ref]
	if given {
		delete(line.given, ref)
	}
	return given
}

// Watched says how many returns wait for questions to an account, and since when the first of them
// could have been asked about.
func (l *Strangers) Watched(account string) (n int, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := l.seen[account]
	if line == nil {
		return 0, since
	}
	for _, waiters := range line.refs {
		if from := waiters[0].from; since.IsZero() || from.Before(since) {
			since = from
		}
	}
	return len(line.of), since
}
