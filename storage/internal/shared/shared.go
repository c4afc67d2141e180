// Package shared lets all configurations of a process that name the same store
// use one opening of it, so that a reload neither closes nor reopens it.
package shared

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// Pool has the open stores of this process by their real names alone: a reload
// that changes anything else must still find the store that is open.
type Pool[S io.Closer] struct {
	// mu makes opening wait for a closing of the same store, which the usage pool
	// does not.
	mu     sync.Mutex
	stores *caddy.UsagePool
}

// New returns an empty pool.
func New[S io.Closer]() *Pool[S] { return &Pool[S]{stores: caddy.NewUsagePool()} }

// pooled is closed by the usage pool with its last use.
type pooled[S io.Closer] struct{ store S }

// Destruct implements [caddy.Destructor].
func (p pooled[S]) Destruct() error { return p.store.Close() }

// Acquire opens a store, or joins it if this process has it open; then joined is
// true, and the options of its first opening are in force. The store is closed with
// its last release; a release may be called more than once.
func (p *Pool[S]) Acquire(name string, open func() (S, error)) (store S, joined bool, release func() error, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, joined, err := p.stores.LoadOrNew(name, func() (caddy.Destructor, error) {
		s, err := open()
		if err != nil {
			return nil, err
		}
		return pooled[S]{s}, nil
	})
	if err != nil {
		return store, false, nil, err
	}
	have, ok := v.(pooled[S])
	if !ok {
		return store, false, nil, fmt.Errorf("the pool holds a %T", v)
	}
	release = sync.OnceValue(func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		_, err := p.stores.Delete(name)
		return err
	})
	return have.store, joined, release, nil
}

// Interface guard.
var _ caddy.Destructor = pooled[io.Closer]{}

// Claims are what the configurations that use one store want of it. The newest's is
// in force, and when that one goes, the newest's of those that are left: a reload
// takes effect at once, and one that fails leaves what was.
type Claims[T comparable] struct {
	mu  sync.Mutex
	all []*T
	now T
	has bool
}

// Add claims, has apply called where that changes anything, and gives what takes it
// back.
func (c *Claims[T]) Add(want T, apply func(T)) (remove func()) {
	mine := &want
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, mine)
	c.settle(apply)
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = slices.DeleteFunc(c.all, func(p *T) bool { return p == mine })
		c.settle(apply)
	})
}

func (c *Claims[T]) settle(apply func(T)) {
	n := len(c.all)
	if n == 0 || c.has && c.now == *c.all[n-1] {
		return
	}
	c.now, c.has = *c.all[n-1], true
	apply(c.now)
}
