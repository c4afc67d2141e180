package commit

import "sync"

// turns is the right to write, which one goroutine has at a time. A caller that finds
// it free takes it, and writes whatever has queued up meanwhile with its own change.
// So a lone commit costs no change of goroutine, and many share a sync.
type turns struct {
	mu      sync.Mutex
	queue   []*Change
	taken   bool
	holders sync.WaitGroup
}

// enqueue reports whether the caller has the right to write now.
func (t *turns) enqueue(c *Change) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, c)
	if t.taken {
		return false
	}
	t.taken = true
	t.holders.Add(1)
	return true
}

// next takes a change from the queue.
func (t *turns) next() *Change {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return nil
	}
	c := t.queue[0]
	t.queue[0] = nil
	t.queue = t.queue[1:]
	return c
}

// release gives the right back, unless a change waits for it to be used.
func (t *turns) release() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) > 0 {
		return false
	}
	t.queue, t.taken = nil, false
	t.holders.Done()
	return true
}
