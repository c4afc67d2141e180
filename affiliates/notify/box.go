package notify

import (
	"context"
	"slices"
	"sync"
	"time"
)

// line is events of one cause.
type line struct {
	Event
	count  int
	orders []string
	// keys are of the events that came from the ledger's outbox.
	keys []string
}

// batch is what one message tells.
type batch struct {
	lines []line
	more  int
	keys  []string // of what found no line
}

// box is what a notifier of one name has collected and not sent yet. The process has it,
// so that a reload loses nothing; what came from the ledger's outbox is not settled
// there before the message that tells it was taken, so that a crash loses nothing
// either.
//
// Invariant: what was noted is in the box until a message with it was taken; and a key
// is told to be settled only after that.
type box struct {
	mu     sync.Mutex
	lines  []line
	more   int
	keys   []string
	flight map[string]bool // keys of what is in the box or being sent
	told   map[string]bool // keys of what was sent and is not settled yet
	order  []string        // told, the oldest first
	sent   time.Time       // when the last message was taken
	failed time.Time       // when one was not, since sent
	wake   chan struct{}
}

func newBox() *box {
	return &box{flight: make(map[string]bool), told: make(map[string]bool), wake: make(chan struct{}, 1)}
}

// boxes are the process's, by notifier.
var boxes struct {
	sync.Mutex
	all map[string]*box
}

func boxOf(name string) *box {
	boxes.Lock()
	defer boxes.Unlock()
	if boxes.all == nil {
		boxes.all = make(map[string]*box)
	}
	if boxes.all[name] == nil {
		boxes.all[name] = newBox()
	}
	return boxes.all[name]
}

// mostTold bounds the memory for keys; one that was forgotten is told twice.
const mostTold = 10_000

// note takes an event up; key is of one from the outbox, or empty.
func (b *box) note(e Event, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if key != "" {
		if b.flight[key] || len(b.flight) >= mostTold {
			return
		}
		b.flight[key] = true
	}
	b.add(e, 1, key)
	b.poke()
}

// add puts an event to its line. The lock is held.
func (b *box) add(e Event, count int, keys ...string) {
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "" })
	order := e.Order
	e.Order = ""
	i := slices.IndexFunc(b.lines, func(l line) bool { return l.Event == e })
	switch {
	case i < 0 && len(b.lines) >= mostLines:
		b.more += count
		b.keys = append(b.keys, keys...)
		return
	case i < 0:
		b.lines = append(b.lines, line{Event: e})
		i = len(b.lines) - 1
	}
	l := &b.lines[i]
	l.count += count
	l.keys = append(l.keys, keys...)
	if order != "" && len(l.orders) < 3 && !slices.Contains(l.orders, order) {
		l.orders = append(l.orders, order)
	}
}

func (b *box) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// awaitNews waits until something is in the box; false if ctx ends.
func (b *box) awaitNews(ctx context.Context) bool {
	for {
		b.mu.Lock()
		full := len(b.lines) > 0 || b.more > 0
		b.mu.Unlock()
		if full {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-b.wake:
		}
	}
}

// until is how long the next message waits for what comes with its cause.
func (b *box) until(every time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait := gather
	if !b.sent.IsZero() {
		wait = max(wait, every-time.Since(b.sent))
	}
	if !b.failed.IsZero() {
		wait = max(wait, again-time.Since(b.failed))
	}
	return wait
}

func (b *box) take() (batch, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := batch{b.lines, b.more, b.keys}
	b.lines, b.more, b.keys = nil, 0, nil
	return t, len(t.lines) > 0 || t.more > 0
}

// done settles a batch that was taken, or puts it back before what came since.
func (b *box) done(t batch, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.sent, b.failed = time.Now(), time.Time{}
		for _, l := range t.lines {
			b.settle(l.keys)
		}
		b.settle(t.keys)
		return
	}
	b.failed = time.Now()
	since := batch{b.lines, b.more, b.keys}
	b.lines, b.more, b.keys = t.lines, t.more+since.more, append(t.keys, since.keys...)
	for _, l := range since.lines {
		count := l.count
		for _, order := range l.orders {
			e := l.Event
			e.Order = order
			b.add(e, 0)
		}
		b.add(l.Event, count, l.keys...)
	}
	b.poke()
}

// settle notes that keys were told. The lock is held.
func (b *box) settle(keys []string) {
	for _, k := range keys {
		delete(b.flight, k)
		b.told[k] = true
		b.order = append(b.order, k)
	}
	for len(b.order) > mostTold {
		delete(b.told, b.order[0])
		b.order = b.order[1:]
	}
}

// was reports whether a key was told. It is asked for once.
func (b *box) was(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.told[key] {
		return false
	}
	delete(b.told, key)
	b.order = slices.DeleteFunc(b.order, func(k string) bool { return k == key })
	return true
}
