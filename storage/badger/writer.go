package badger

import (
	"context"
	"fmt"
	"sync"
)

// change is what a caller wants of the writer.
type change struct {
	ctx context.Context
	// stage checks the change against the ledger and says what to write. It may
	// be called more than once and changes nothing itself.
	stage func(get getter) ([]write, error)
	// grows tells new work, which a full disk refuses first.
	grows bool
	lazy  bool
	// chore marks the store's own bookkeeping, which is nothing to keep books of.
	chore bool
	// due is when the worker must look, as [packed.Time]; zero is never. Stage sets it.
	due uint64
	// settled is called when the change is durable, before the caller of a change
	// that is not lazy is told.
	settled func()
	done    chan error

	writes []write
}

// getter reads the ledger as it will be after the changes before this one. A
// missing key gives nil.
type getter func(key []byte) ([]byte, error)

const (
	maxBatch     = 256
	maxConflicts = 5
)

// writer is the right to write, which one goroutine has at a time: a caller who
// finds it free takes it and writes whatever has queued up meanwhile with its own
// change. So a lone commit costs no change of goroutine, and many share a sync.
type writer struct {
	mu      sync.Mutex
	queue   []*change
	taken   bool
	holders sync.WaitGroup
}

// enqueue reports whether the caller has the right to write now.
func (w *writer) enqueue(c *change) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, c)
	if w.taken {
		return false
	}
	w.taken = true
	w.holders.Add(1)
	return true
}

// next takes a change from the queue.
func (w *writer) next() *change {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return nil
	}
	c := w.queue[0]
	w.queue[0] = nil
	w.queue = w.queue[1:]
	return c
}

// release gives the right back, unless somebody waits for it to be used.
func (w *writer) release() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) > 0 {
		return false
	}
	w.queue, w.taken = nil, false
	w.holders.Done()
	return true
}

// submit hands a change to the writer and waits for its outcome, or until the
// caller's context ends: then the writer goes on, and what became of the change
// is for the ledger to tell. A caller who can't leave writes himself where nobody
// else does.
func (s *Store) submit(c *change) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.exit()
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if s.broken.Load() != nil {
		return s.brokenErr()
	}
	c.done = make(chan error, 1)
	switch {
	case !s.writer.enqueue(c):
	case c.lazy || c.ctx.Done() != nil:
		go s.write(nil) // its caller does not wait for the sync, or may leave
	default:
		s.write(c)
	}
	select {
	case err := <-c.done:
		return err
	case <-c.ctx.Done():
		return c.left()
	}
}

// left is what a caller is told who does not wait any longer.
func (c *change) left() error {
	select {
	case err := <-c.done:
		return err
	default:
		return fmt.Errorf("%w: %w", errLeft, context.Cause(c.ctx))
	}
}

// answer tells the caller what became of the change. Whoever was told already
// hears nothing more.
func (c *change) answer(err error) {
	select {
	case c.done <- err:
	default:
	}
}

// write writes until nothing waits, or until own is done: then it passes the
// rest on, since its caller has other things to do.
func (s *Store) write(own *change) {
	var rest *change // did not fit
	for {
		first := rest
		if first == nil {
			first = s.writer.next()
		}
		if first != nil {
			rest = s.writeBatch(first)
		}
		if rest == nil && s.writer.release() {
			return
		}
		if rest == nil && own != nil && len(own.done) > 0 {
			go s.write(nil)
			return
		}
	}
}

// writeBatch stages changes, beginning with first, until none waits or the
// transaction is full, and commits them as one. Whoever it takes from the queue is
// answered, or is rest, whatever happens: a panic of Badger's too, which may be
// caught far above us.
func (s *Store) writeBatch(first *change) (rest *change) {
	txn := s.db.NewTransactionAt(s.last, true)
	defer txn.Discard()
	get := func(key []byte) ([]byte, error) { return getCopy(txn, key) }

	var batch, taken []*change
	var answers []answer
	defer func() {
		if p := recover(); p != nil {
			s.ruin(fmt.Errorf("%w: %v", ErrDamaged, p))
			for _, c := range taken {
				c.answer(s.brokenErr())
			}
		}
	}()
	next := func() *change {
		if len(taken) >= maxBatch {
			return nil // they stay in the queue, and write comes again
		}
		return s.writer.next()
	}
	size, count := 0, 0
	for c := first; c != nil; c = next() {
		taken = append(taken, c)
		err := s.admit(c)
		if err == nil {
			err = s.contain(func() (err error) {
				c.writes, err = c.stage(get)
				return err
			})
		}
		if err != nil || len(c.writes) == 0 {
			answers = append(answers, answer{c, err})
			continue
		}
		n := 0
		for _, w := range c.writes {
			n += w.Size()
		}
		if len(batch) > 0 && (size+n > s.maxSize || count+len(c.writes) > s.maxCount) {
			rest = c
			taken = taken[:len(taken)-1]
			break
		}
		if n > s.maxSize || len(c.writes) > s.maxCount {
			c.answer(fmt.Errorf("%d bytes in one change are too many", n))
			continue
		}
		if err := apply(txn, c.writes); err != nil {
			// Nothing was committed, but the transaction is half filled: drop it.
			for _, c := range taken {
				c.answer(err)
			}
			return nil
		}
		size, count = size+n, count+len(c.writes)
		batch = append(batch, c)
	}
	var err error
	if len(batch) > 0 {
		err = s.commit(txn, batch)
	}
	giveAll(answers, err)
	return rest
}

// answer is what a change that writes nothing will be told. It rests on the
// changes before it in the batch, so it is given when they are settled: who is
// told of a conflict must see what it was with, and nobody must be told of a
// holder that a power cut would take back.
type answer struct {
	c   *change
	err error
}

func giveAll(answers []answer, failed error) {
	for _, a := range answers {
		switch {
		case failed != nil:
			a.c.answer(failed)
		case a.err == nil && a.c.settled != nil:
			a.c.settled()
			a.c.answer(nil)
		default:
			a.c.answer(a.err)
		}
	}
}

// admit refuses what must not even be looked at.
func (s *Store) admit(c *change) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if s.broken.Load() != nil {
		return s.brokenErr()
	}
	return s.disk.Allow(c.grows)
}
