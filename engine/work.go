package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The worker's work is of kinds that never wait for each other: what somebody has
// claimed or paid for begins at once, in places of its own; intents that nobody
// came back for and strangers' returns take what is left. A crowd of the second
// kind holds up nothing of the first. Whatever is due and finds no place waits in the
// line of its own receiver, so that the next look sees beyond it: a receiver that
// hangs holds up nobody else's work.
const (
	// reach is how many due records a look sees beyond those that it knows.
	reach = 4096
	// atOnce is how many questions to one host, hand-overs to one site, or reports
	// to one receiver are made at a time; handAtOnce is for all sites together, and
	// likewise for all receivers of reports.
	atOnce     = 8
	handAtOnce = 32
	// idleAtOnce is how many of the rest are asked about at a time at one host, and
	// idleMost how many of them wait for it: as many as a host that takes its time
	// could be asked about before their windows close. What is beyond them is looked
	// at again after idlePause.
	idleAtOnce = 16
	idleMost   = 10_000
	idlePause  = time.Hour
)

// kind is what sort of work a due record is.
type kind int

const (
	// asking: somebody claims it, or money may be behind it.
	asking kind = iota
	// handing: a shop is to be told.
	handing
	// telling: a network or a webhook is to be told. Its places are its own, so that
	// receivers that hang hold up no shop.
	telling
	// idle: an intent that nobody came back for.
	idle
	// strange: a stranger's return, or the trace of one.
	strange
)

// place is a receiver of work of one kind: who is asked or told.
type place struct {
	kind kind
	of   string
}

// placeOf returns where a due record's work is done.
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

// queues are what waits for a place: first what was never asked about, in the
// order in which it became due, then the rest. Their order is fair because a
// record becomes due the later the more of its kind its client has brought.
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

// Sweep takes up what is due now, once, and waits until everybody who was to be
// asked has been. What is handed to shops and networks goes on by itself. more is
// true if there may be more.
func (e *Engine) Sweep(ctx context.Context) (more bool, err error) {
	more, err = e.sweep(ctx)
	e.awaitAnswers()
	return more, err
}

// awaitAnswers waits for those that are under way.
func (e *Engine) awaitAnswers() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.asking > 0 {
		e.quiet.Wait()
	}
}

// sweep begins whatever is due and has a place.
func (e *Engine) sweep(ctx context.Context) (more bool, err error) {
	if err := e.Store.Ready(); err != nil && !errors.Is(err, payment.ErrFull) {
		return false, fmt.Errorf("looking for due payments: %w", err)
	}
	e.mu.Lock()
	known := len(e.waiting) + len(e.working)
	e.mu.Unlock()
	limit := reach + known
	refs, err := e.Store.Due(ctx, e.now(), limit)
	if err != nil {
		return false, fmt.Errorf("looking for due payments: %w", err)
	}
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

// claimed takes a payment out of the line of those that nobody came back for: what
// becomes due of it from now on is seen at the next look.
func (e *Engine) claimed(ref payment.Ref) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leaveLine(ref)
}

// leaveLine takes a record out of the line in which it waits, if it waits in one.
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

// relearn looks at everything anew that waits in line: another node may have
// changed it since.
func (e *Engine) relearn() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.waiting)
	clear(e.queued)
	clear(e.lines)
}

// knows: it is being worked on, or waits for its turn.
func (e *Engine) knows(ref payment.Ref) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, working := e.working[ref]
	_, waiting := e.waiting[ref]
	return working || waiting
}

// enqueue puts a due record in the line of its receiver; what nobody claims is looked
// at later where that line is full. It reports whether another look sees beyond it.
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

// startWaiting gives the places that are free to what waits in line.
func (e *Engine) startWaiting(ctx context.Context) {
	e.mu.Lock()
	lines := make([]place, 0, len(e.lines))
	for at := range e.lines {
		lines = append(lines, at)
	}
	e.mu.Unlock()
	for _, at := range lines {
		for e.startNext(ctx, at) {
		}
	}
}

// startNext lets the work of the next record that waits for a place go on by itself,
// unless the place has enough to do.
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
		if tells {
			return
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.asking--; e.asking == 0 {
			e.quiet.Broadcast()
		}
	}()
	return true
}

// work does the next thing for one record. What is begun is finished, whatever
// becomes of the worker.
func (e *Engine) work(ctx context.Context, ref payment.Ref) {
	err := e.safely(ref, func() error { return e.doNext(context.WithoutCancel(ctx), ref) })
	if errors.Is(err, payment.ErrFull) {
		e.full.Store(true)
	}
	if err != nil && !errors.Is(err, payment.ErrConflict) && !errors.Is(err, errPanicked) {
		e.trouble(nil, err, false)
	}
}

// backlog returns how many intents wait in line for their first question or another.
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

// crowd is a backlog in which an intent that was asked about once is not asked
// again for an hour: the first questions of the others come first.
const crowd = 500

// nextIdle is when an intent is asked about again.
func (e *Engine) nextIdle(rec *payment.Record, canInquire bool) time.Time {
	at := nextUnasked(rec, canInquire, e.now())
	if !at.IsZero() && e.backlog() > crowd {
		at = later(at, e.now().Add(time.Hour))
	}
	return at
}
