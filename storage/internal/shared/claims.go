package shared

import (
	"slices"
	"sync"
)

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
