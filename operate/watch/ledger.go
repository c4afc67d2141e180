package watch

import (
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
)

// Ledger is how the ledger was when it was looked at last.
type Ledger struct {
	// Seen is when; zero if it never was.
	Seen time.Time
	// Trouble says why it takes no new payments; empty if it does. Since is since
	// when; Full is whether it is for want of room.
	Trouble string
	Since   time.Time
	Full    bool
	// Bytes is how large it is, and Room how much may be written before new payments
	// are refused, 0 while they are; negative where that is not known.
	Bytes, Room int64
	Generation  uint32
	// Nodes is how many nodes work on it.
	Nodes int
}

type sample struct {
	at   time.Time
	room int64
}

const (
	// sampleEvery and samplesFor are how often the room is written down for the
	// forecast, and for how long.
	sampleEvery = time.Minute
	samplesFor  = 24 * time.Hour
	// forecastAfter is how much must be known before anything is foretold.
	forecastAfter = 5 * time.Minute
)

// Look measures the ledger; a nil store is one that is not open.
func (w *Watch) Look(ctx context.Context, store payment.Store, closed error) {
	now := w.now()
	l := Ledger{Seen: now, Bytes: -1, Room: -1, Nodes: 1}
	err := closed
	if store != nil {
		err = store.Ready()
		if m, ok := store.(storage.Measurer); ok {
			if got, merr := m.Measure(ctx); merr == nil {
				l.Bytes, l.Room, l.Nodes = got.Bytes, got.Room, got.Nodes
			}
		}
		if gen, gerr := store.Generation(ctx); gerr == nil {
			l.Generation = gen.Seq
		} else if err == nil {
			err = gerr
		}
	}
	if err != nil {
		l.Trouble, l.Room, l.Full = err.Error(), 0, errors.Is(err, payment.ErrFull)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.Trouble != "" {
		if l.Since = w.ledger.Since; w.ledger.Trouble == "" {
			l.Since = now
		}
	}
	if l.Trouble != w.ledger.Trouble || l.Nodes != w.ledger.Nodes {
		w.change()
	}
	w.ledger = l
	if n := len(w.samples); l.Room >= 0 && (n == 0 || now.Sub(w.samples[n-1].at) >= sampleEvery) {
		for len(w.samples) > 0 && now.Sub(w.samples[0].at) > samplesFor {
			w.samples = w.samples[1:]
		}
		w.samples = append(w.samples, sample{now, l.Room})
	}
}

// Ledger is how the ledger was when it was looked at last.
func (w *Watch) Ledger() Ledger {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger
}

// Full is in how long the ledger has no room, at the pace of the last hours; false
// if it gets no smaller, or too little is known.
//
// Invariant: a disk that was filled and cleared is not foretold to fill. The pace of all
// samples still falls then, so it counts only as far as the room has shrunk altogether.
func (w *Watch) Full() (in time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.samples)
	if n < 2 || w.ledger.Room <= 0 {
		return 0, false
	}
	// The least squares of room over time.
	first := w.samples[0].at
	passed := w.samples[n-1].at.Sub(first)
	if passed < forecastAfter {
		return 0, false
	}
	lost := float64(w.samples[0].room-w.ledger.Room) / passed.Seconds()
	var st, sr, stt, str float64
	for _, s := range w.samples {
		t, r := s.at.Sub(first).Seconds(), float64(s.room)
		st, sr, stt, str = st+t, sr+r, stt+t*t, str+t*r
	}
	slope := (float64(n)*str - st*sr) / (float64(n)*stt - st*st)
	if slope >= 0 || lost <= 0 {
		return 0, false
	}
	seconds := float64(w.ledger.Room) / min(-slope, lost)
	if seconds > (10 * 365 * 24 * time.Hour).Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
