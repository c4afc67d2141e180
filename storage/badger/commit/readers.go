package commit

import (
	"context"
	"slices"
	"sync"
)

// readers knows at which versions callers read: new ones at the newest that is
// settled, those that began earlier at the one that was. Compaction may drop older
// versions.
type readers struct {
	mu      sync.Mutex
	wake    sync.Cond
	settled uint64              // newest version that is durable and visible
	lazy    uint64              // newest version with a change whose caller has gone on
	ahead   map[string]struct{} // what such changes, and those that they may rest on, write
	broken  error
	active  map[uint64]int
}

func (r *readers) init() {
	r.wake.L = &r.mu
	r.active = make(map[uint64]int)
	r.ahead = make(map[string]struct{})
}

// begin gives the version to read at. It waits only for lazy changes whose callers
// were told of them and that are not settled yet. If only keys will be read, it waits
// only for changes of those keys, so that other reads need not wait for the disk. Nobody waits longer than their context lasts.
func (r *readers) begin(ctx context.Context, keys ...[]byte) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stop := func() bool { return true }
	defer func() { stop() }()
	for want, waits := r.lazy, false; r.settled < want && r.touches(keys); waits = true {
		if r.broken != nil {
			return 0, r.broken
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if !waits && ctx.Done() != nil {
			stop = context.AfterFunc(ctx, r.stir)
		}
		r.wake.Wait()
	}
	r.active[r.settled]++
	return r.settled, nil
}

// stir wakes all waiting readers. It takes the lock, so that a reader which is about
// to wait does not miss it.
func (r *readers) stir() {
	r.mu.Lock()
	r.mu.Unlock() //nolint:staticcheck // waiting is all that it is for
	r.wake.Broadcast()
}

// touches reports whether a change whose caller was told of it writes one of the
// keys. No keys mean all keys.
func (r *readers) touches(keys [][]byte) bool {
	for _, k := range keys {
		if _, ok := r.ahead[string(k)]; ok {
			return true
		}
	}
	return len(keys) == 0
}

// hold keeps a version that was settled from being dropped, until end.
func (r *readers) hold(ts uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active[ts]++
}

func (r *readers) end(ts uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active[ts]--; r.active[ts] == 0 {
		delete(r.active, ts)
	}
}

func (r *readers) settle(ts uint64) {
	r.mu.Lock()
	r.settled = ts
	r.mu.Unlock()
	r.wake.Broadcast()
}

// promise notes that the callers of a batch's lazy changes go on before the
// batch is settled as version ts. A caller that knows of a lazy change knows that
// what the change rests on has happened (for example that the key which it took was
// given back), so readers of what came before it in the batch wait as well.
func (r *readers) promise(ts uint64, batch []*Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lazy = ts
	clear(r.ahead)
	told := false
	for _, c := range slices.Backward(batch) {
		if told = told || c.Lazy; !told {
			continue
		}
		for _, w := range c.writes {
			r.ahead[string(w.Key)] = struct{}{}
		}
	}
}

// breakAll ends the waiting: what is waited for will not be settled.
func (r *readers) breakAll(err error) {
	r.mu.Lock()
	r.broken = err
	r.mu.Unlock()
	r.wake.Broadcast()
}

// oldest returns the version below which nobody reads.
func (r *readers) oldest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	low := r.settled
	for ts := range r.active {
		low = min(low, ts)
	}
	return low
}
