package engine

import (
	"sync"
	"time"
)

const (
	// recentSpan is how long a lazily written change is remembered, and recentMost bounds how
	// many are. A database that crashes loses less than a second of them.
	recentSpan = 5 * time.Minute
	recentMost = 100_000
)

// recent remembers changes that were not written, or that a crash of the database may still take
// while this process goes on. Losing it costs what a crash of the process costs.
type recent[K, V comparable] struct {
	mu    sync.Mutex
	of    map[K]V
	order []recentKey[K, V]
}

type recentKey[K, V comparable] struct {
	k  K
	v  V
	at time.Time
}

func (r *recent[K, V]) put(k K, v V, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = make(map[K]V)
	}
	for len(r.order) > 0 && (now.Sub(r.order[0].at) > recentSpan || len(r.order) >= recentMost) {
		if old := r.order[0]; r.of[old.k] == old.v {
			delete(r.of, old.k)
		}
		r.order = r.order[1:]
	}
	r.of[k] = v
	r.order = append(r.order, recentKey[K, V]{k, v, now})
}

func (r *recent[K, V]) get(k K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.of[k]
	return v, ok
}

func (r *recent[K, V]) take(k K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.of[k]
	delete(r.of, k)
	return v, ok
}

// which returns what is remembered of which f says so.
func (r *recent[K, V]) which(f func(V) bool) (keys []K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, v := range r.of {
		if f(v) {
			keys = append(keys, k)
		}
	}
	return keys
}
