package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The worker has kinds of work that never wait for each other. What somebody has claimed or
// paid for begins at once, in places of its own. Abandoned intents and strangers' returns
// use other places, so a crowd of them delays nothing else. A due record that finds no
// place waits in the queue of its own receiver, so a receiver that hangs delays nobody
// else's work.
const (
	// reach is how many due records the worker reads beyond those that it knows.
	reach = 4096
	// atOnce is how many questions to one host, deliveries to one site, or reports to one
	// receiver are made at a time. handAtOnce bounds the deliveries to all sites, and
	// likewise the reports to all receivers.
	atOnce     = 8
	handAtOnce = 32
	// idleAtOnce is how many questions about abandoned intents and strangers' returns one
	// host gets at a time, and idleMost how many of them wait for it: as many as a slow
	// host could answer before their windows close. Those beyond are looked at again
	// after idlePause.
	idleAtOnce = 16
	idleMost   = 10_000
	idlePause  = time.Hour
)

// kind is the kind of work that a due record needs.
type kind int

const (
	// asking: the provider is asked about a payment that somebody claims, or behind which
	// there may be money.
	asking kind = iota
	// handing: a payment is delivered to a shop.
	handing
	// telling: a network or a webhook gets a report. It has places of its own, so that
	// receivers that hang delay no shop.
	telling
	// idle: the provider is asked about an intent whose customer hasn't come back.
	idle
	// strange: the provider is asked about a stranger's return, or the trace of one.
	strange
)

// place is where work of one kind is done: the host, site or receiver.
type place struct {
	kind kind
	of   string
}

// placeOf returns the place of a due record's work.
func (e *Engine) placeOf(rec *payment.Record) place {
	if next := rec.NextReport(); next >= 0 && !due(rec, e.now()) {
		return place{telling, receiver(&rec.Reports[next])}
	}
	host := "nobody"
	if p, err := e.providerFor(rec); err == nil {
		host = hostOf(p.Terms())
	}
	switch rec.State {
	case payment.Verified, payment.Delivering:
		return place{handing, "site " + rec.Site}
	case payment.Created, payment.Declined, payment.Expired:
		switch age := e.now().Sub(rec.CreatedAt); {
		case isTrace(rec) && (age >= traceKept || rec.Attempts.Unasked > 0), e.forgettable(rec):
			return place{idle, "nobody"} // it is only forgotten
		case isTrace(rec) || rec.Expect.Source == payment.FromNone || !rec.Expect.Known() && arrived(rec):
			return place{strange, host}
		case !arrived(rec) && rec.Attempts.Awaiting.IsZero():
			return place{idle, host}
		}
	}
	return place{asking, host}
}

// queues is what waits for a place: first the records about which nobody was asked yet, in
// the order in which they became due, then the others. The order is fair, because the more
// records a client has brought, the later its next one becomes due.
type queues struct {
	fresh, stale []payment.Ref
}

func (q *queues) take() (payment.Ref, bool) {
	for _, list := range []*[]payment.Ref{&q.fresh, &q.stale} {
		if len(*list) > 0 {
			ref := (*list)[0]
			*list = (*list)[1:]
			return ref, true
		}
	}
	return "", false
}

// Sweep begins the work that is due now, once, and waits until all providers have answered.
// Deliveries and reports go on by themselves. more says that there may be more.
func (e *Engine) Sweep(ctx context.Context) (more bool, err error) {
	more, err = e.sweep(ctx)
	e.awaitAnswers()
	return more, err
}

// Turn is one turn of the worker, which [Engine.Run] takes again and again: what passed
// unrecorded is read in, lists of unverified payments are read, and what is due is done. It
// waits for all providers.
func (e *Engine) Turn(ctx context.Context) (more bool, err error) {
	e.readForwarded(ctx)
	e.listUnverified(ctx)
	e.awaitAnswers()
	return e.Sweep(ctx)
}

// awaitAnswers waits until no question is in progress.
func (e *Engine) awaitAnswers() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.asking > 0 {
		e.allAnswered.Wait()
	}
}

// answered is the end of one question.
func (e *Engine) answered() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.asking--; e.asking == 0 {
		e.allAnswered.Broadcast()
	}
}

// sweep begins the work of due records as far as there are places.
func (e *Engine) sweep(ctx context.Context) (more bool, err error) {
	if err := e.Store.Ready(); err != nil && !errors.Is(err, payment.ErrFull) {
		e.Shared.fails()
		return false, fmt.Errorf("looking for due payments: %w", err)
	}
	e.mu.Lock()
	known := len(e.waiting) + len(e.working)
	e.mu.Unlock()
	limit := reach + known
	refs, err := e.Store.Due(ctx, e.now(), limit)
	if err != nil {
		e.Shared.fails()
		return false, fmt.Errorf("looking for due payments: %w", err)
	}
	e.Shared.since(e.now())
	begun := 0
	for _, ref := range refs {
		if ctx.Err() != nil || e.full.Load() {
			break
		}
		if e.knows(ref) {
			continue
		}
		rec, err := e.Store.Get(ctx, ref)
		if err != nil {
			continue // it is gone, or the next look finds it
		}
		if e.enqueue(ctx, rec) {
			begun++
		}
	}
	e.startWaiting(ctx)
	// What has begun goes on where there is no room for more, until nothing can be
	// written any more.
	full := e.full.Swap(false)
	return begun > 0 && !full && len(refs) == limit, nil
}

// claimed takes a payment out of the queue in which it waits as an abandoned intent. The
// next look puts it where it belongs now.
func (e *Engine) claimed(ref payment.Ref) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leaveLine(ref)
}

// leaveLine takes a record out of the queue in which it waits, if it waits.
func (e *Engine) leaveLine(ref payment.Ref) (was bool) {
	at, was := e.waiting[ref]
	if !was {
		return false
	}
	delete(e.waiting, ref)
	if e.queued[at]--; e.queued[at] <= 0 {
		delete(e.queued, at)
	}
	return true
}

// relearn empties the queues, because another node may have changed the records since.
func (e *Engine) relearn() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.waiting)
	clear(e.queued)
	clear(e.lines)
}

// knows: the record is being worked on, or waits in a queue.
func (e *Engine) knows(ref payment.Ref) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, working := e.working[ref]
	_, waiting := e.waiting[ref]
	return working || waiting
}

// enqueue puts a due record into the queue of its place. If the queue is full, a record that
// nobody claims is rescheduled. It reports whether the next look sees other records.
func (e *Engine) enqueue(ctx context.Context, rec *payment.Record) bool {
	at := e.placeOf(rec)
	if !e.tryEnqueue(rec, at) {
		return e.reschedule(ctx, rec, e.now().Add(spread(idlePause, 0.3, e.Rand()))) == nil
	}
	return true
}

func (e *Engine) tryEnqueue(rec *payment.Record, at place) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if (at.kind == idle || at.kind == strange) && e.queued[at] >= idleMost {
		return false
	}
	q := e.lines[at]
	if q == nil {
		q = new(queues)
		e.lines[at] = q
	}
	e.waiting[rec.Ref] = at
	e.queued[at]++
	if at.kind == asking || at.kind == handing || at.kind == telling || rec.Attempts.Unasked == 0 && rec.Attempts.Count == 0 {
		q.fresh = append(q.fresh, rec.Ref)
	} else {
		q.stale = append(q.stale, rec.Ref)
	}
	return true
}

// startWaiting gives the free places to the records that wait.
func (e *Engine) startWaiting(ctx context.Context) {
	e.mu.Lock()
	lines := slices.Collect(maps.Keys(e.lines))
	e.mu.Unlock()
	for _, at := range lines {
		for e.startNext(ctx, at) {
		}
	}
}

// startNext begins the work of the next record that waits for a place, in a goroutine, if
// the place has room.
func (e *Engine) startNext(ctx context.Context, at place) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || ctx.Err() != nil {
		return false
	}
	n, all := 0, 0
	for _, other := range e.working {
		if other == at {
			n++
		}
		if other.kind == at.kind {
			all++
		}
	}
	most := atOnce
	if at.kind == idle || at.kind == strange {
		most = idleAtOnce
	}
	q := e.lines[at]
	if q == nil || n >= most {
		return false
	}
	tells := at.kind == handing || at.kind == telling
	if tells && all >= handAtOnce {
		e.crowded = true
		return false
	}
	if at.kind == strange && len(q.fresh)+len(q.stale) > 0 && !e.Shared.limits.Pace(e.now()) {
		return false
	}
	ref := payment.Ref("")
	for ref == "" {
		next, ok := q.take()
		if !ok {
			delete(e.lines, at)
			return false
		}
		if e.waiting[next] == at && e.leaveLine(next) {
			ref = next
		}
	}
	if _, working := e.working[ref]; working {
		return true // it came up again meanwhile: the next look sees it
	}
	e.working[ref] = at
	e.running.Add(1)
	if !tells {
		e.asking++
	}
	go func() {
		defer e.running.Done()
		e.work(ctx, ref)
		e.mu.Lock()
		delete(e.working, ref)
		crowded := e.crowded && tells
		if crowded {
			e.crowded = false
		}
		e.mu.Unlock()
		e.startNext(ctx, at)
		if crowded {
			e.wakeWorker()
		}
		if !tells {
			e.answered()
		}
	}()
	return true
}

// work does the next step of one record. A step that has begun is finished, also if the
// worker is stopped.
func (e *Engine) work(ctx context.Context, ref payment.Ref) {
	err := e.safely(ref, func() error { return e.doNext(context.WithoutCancel(ctx), ref) })
	if errors.Is(err, payment.ErrFull) {
		e.full.Store(true)
	}
	if err != nil && !errors.Is(err, payment.ErrConflict) && !errors.Is(err, errPanicked) {
		e.trouble(nil, err, false)
	}
}

// backlog returns how many abandoned intents and strangers' returns wait.
func (e *Engine) backlog() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for at, waiting := range e.queued {
		if at.kind == idle || at.kind == strange {
			n += waiting
		}
	}
	return n
}

// crowd is the backlog from which on an intent is not asked about again for an hour, because
// the first questions about the others come first.
const crowd = 500

// nextIdle returns when to ask about an intent again.
func (e *Engine) nextIdle(rec *payment.Record, canInquire bool) time.Time {
	at := nextUnasked(rec, canInquire, e.now())
	if !at.IsZero() && e.backlog() > crowd {
		at = later(at, e.now().Add(time.Hour))
	}
	return at
}
