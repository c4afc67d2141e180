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
// kind holds up nothing of the first.
const (
	// reach is how many due records a look sees beyond those that it knows.
	reach = 4096
	// atOnce is how many questions to one host, hand-overs to one site, or reports
	// to one network are made at a time; handAtOnce is for all receivers together.
	atOnce     = 8
	handAtOnce = 32
	// idleAtOnce is how many of the rest are asked about at a time at one host, and
	// idleMost how many are known to wait for it.
	idleAtOnce = 16
	idleMost   = 100_000
)

// kind is what sort of work a due record is.
type kind int

const (
	// asking: somebody claims it, or money may be behind it.
	asking kind = iota
	// handing: a shop or a network is to be told.
	handing
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

// placeOf is where a due record's work is done.
func (e *Engine) placeOf(rec *payment.Record) place {
	host := "nobody"
	if p, err := e.providerFor(rec); err == nil {
		host = hostOf(p.Traits())
	}
	switch rec.State {
	case payment.Verified, payment.Delivering:
		return place{handing, "site " + rec.Site}
	case payment.Delivered:
		if rec.Conversion != nil {
			return place{handing, "network " + rec.Conversion.Track.Affiliate}
		}
	case payment.Created, payment.Declined, payment.Expired:
		switch age := e.now().Sub(rec.CreatedAt); {
		case isTrace(rec) && (age >= traceKept || rec.Attempts.Unasked > 0), e.forgettable(rec):
			return place{idle, "nobody"} // it is only forgotten
		case isTrace(rec) || rec.Expect.Source == payment.FromNone:
			return place{strange, host}
		case !arrived(rec):
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
	e.answers()
	return more, err
}

// answers waits for those that are under way.
func (e *Engine) answers() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.asking > 0 {
		e.idle.Wait()
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
	limit := reach + min(known, idleMost)
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
		if e.begin1(ctx, rec) {
			begun++
		}
	}
	e.fill(ctx)
	// What has begun goes on where there is no room for more, until nothing can be
	// written any more.
	full := e.full.Swap(false)
	return begun > 0 && !full && len(refs) == limit, nil
}

// knows: it is being worked on, or waits for its turn.
func (e *Engine) knows(ref payment.Ref) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, working := e.working[ref]
	return working || e.waiting[ref]
}

// begin1 begins the work of a due record, or puts it in line. It reports whether
// it will be seen to without another look.
func (e *Engine) begin1(ctx context.Context, rec *payment.Record) bool {
	at := e.placeOf(rec)
	if at.kind == handing {
		return e.hand(ctx, rec.Ref, at)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if at.kind != asking && len(e.waiting) >= idleMost {
		return false
	}
	q := e.lines[at]
	if q == nil {
		q = new(queues)
		e.lines[at] = q
	}
	e.waiting[rec.Ref] = true
	if at.kind == asking || rec.Attempts.Unasked == 0 && rec.Attempts.Count == 0 {
		q.fresh = append(q.fresh, rec.Ref)
	} else {
		q.stale = append(q.stale, rec.Ref)
	}
	return true
}

// fill gives the places that are free to what waits in line.
func (e *Engine) fill(ctx context.Context) {
	e.mu.Lock()
	lines := make([]place, 0, len(e.lines))
	for at := range e.lines {
		lines = append(lines, at)
	}
	e.mu.Unlock()
	for _, at := range lines {
		for e.hand(ctx, "", at) {
		}
	}
}

// hand lets the work of a record go on by itself, unless its place has enough to
// do. Without a record it is the next that waits for the place.
func (e *Engine) hand(ctx context.Context, ref payment.Ref, at place) bool {
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
		if other.kind == handing {
			all++
		}
	}
	most := atOnce
	if at.kind == idle || at.kind == strange {
		most = idleAtOnce
	}
	if n >= most || at.kind == handing && all >= handAtOnce {
		e.crowded = e.crowded || at.kind == handing
		return false
	}
	if ref == "" {
		q := e.lines[at]
		if q == nil || at.kind == strange && len(q.fresh)+len(q.stale) > 0 && !e.Shared.limits.pace.AllowN(e.now(), 1) {
			return false
		}
		next, ok := q.take()
		if !ok {
			delete(e.lines, at)
			return false
		}
		delete(e.waiting, next)
		ref = next
	}
	if _, working := e.working[ref]; working {
		return false
	}
	e.working[ref] = at
	e.running.Add(1)
	if at.kind != handing {
		e.asking++
	}
	go func() {
		defer e.running.Done()
		e.work(ctx, ref)
		e.mu.Lock()
		delete(e.working, ref)
		crowded := e.crowded && at.kind == handing
		if crowded {
			e.crowded = false
		}
		e.mu.Unlock()
		if crowded {
			e.poke()
		}
		if at.kind == handing {
			return
		}
		e.hand(ctx, "", at)
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.asking--; e.asking == 0 {
			e.idle.Broadcast()
		}
	}()
	return true
}

// work does the next thing for one record. What is begun is finished, whatever
// becomes of the worker.
func (e *Engine) work(ctx context.Context, ref payment.Ref) {
	err := e.safely(ref, func() error { return e.take1(context.WithoutCancel(ctx), ref) })
	if errors.Is(err, payment.ErrFull) {
		e.full.Store(true)
	}
	if err != nil && !errors.Is(err, payment.ErrConflict) && !errors.Is(err, errPanicked) {
		e.trouble(nil, err, false)
	}
}

// backlog is how many intents wait in line for their first question or another.
func (e *Engine) backlog() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.waiting)
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
