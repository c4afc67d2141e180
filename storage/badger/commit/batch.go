package commit

import (
	"errors"
	"fmt"
	"slices"
)

// write writes until nothing waits, or until own is answered: then it passes the
// rest on, since its caller has other things to do.
func (q *Queue) write(own *Change) {
	var rest *Change // did not fit
	for {
		first := rest
		if first == nil {
			first = q.turns.next()
		}
		if first != nil {
			rest = q.writeBatch(first)
		}
		if rest == nil && q.turns.release() {
			return
		}
		if rest == nil && own != nil && own.told {
			go q.write(nil)
			return
		}
	}
}

// batch is changes that are committed as one.
type batch struct {
	tx      Tx
	taken   []*Change // from the queue
	changes []*Change // that write something
	told    []verdict
	size    int
	entries int
}

// verdict is the answer to a change that writes nothing. It rests on the changes
// before it in the batch, so it is given when they are settled: a caller that is told
// of a conflict must be able to read the other change, and must not be told of a
// holder that a power cut would take back.
type verdict struct {
	c   *Change
	err error
}

// writeBatch stages changes, beginning with first, until none waits or the batch is
// full, and commits them as one. Each change that it takes from the queue is answered,
// or is rest, whatever happens: also when the store panics.
func (q *Queue) writeBatch(first *Change) (rest *Change) {
	b := &batch{taken: []*Change{first}}
	defer func() {
		if p := recover(); p != nil {
			q.Ruin(fmt.Errorf("%w: %v", q.Errors.Damaged, p))
			for _, c := range b.taken {
				c.answer(q.brokenErr())
			}
		}
	}()
	b.tx = q.Begin(q.last)
	defer b.tx.Discard()
	for c := first; c != nil; c = q.take(b) {
		fits, err := q.stage(b, c)
		if err != nil {
			// Nothing was committed, but the transaction is half filled: drop it.
			for _, c := range b.taken {
				c.answer(err)
			}
			return nil
		}
		if !fits {
			b.taken = b.taken[:len(b.taken)-1]
			rest = c
			break
		}
	}
	var err error
	if len(b.changes) > 0 {
		err = q.commit(b)
	}
	b.tell(err)
	return rest
}

// take takes the next change from the queue, unless the batch has enough.
func (q *Queue) take(b *batch) *Change {
	if len(b.taken) >= q.MaxChanges {
		return nil // they stay in the queue, and write comes again
	}
	c := q.turns.next()
	if c != nil {
		b.taken = append(b.taken, c)
	}
	return c
}

// stage puts a change into the batch, or notes the answer to it. It reports whether
// the change fits into the batch. An error is one of the transaction.
func (q *Queue) stage(b *batch, c *Change) (fits bool, err error) {
	err = q.admit(c)
	if err == nil {
		err = q.contain(func() (err error) {
			c.writes, err = c.Stage(b.tx.Get)
			return err
		})
	}
	if err != nil || len(c.writes) == 0 {
		b.told = append(b.told, verdict{c, err})
		return true, nil
	}
	size, entries := 0, len(c.writes)
	for _, w := range c.writes {
		size += w.Size()
	}
	if size > q.MaxSize || entries > q.MaxEntries {
		c.answer(fmt.Errorf("a change of %d bytes is too large", size))
		return true, nil
	}
	if len(b.changes) > 0 && (b.size+size > q.MaxSize || b.entries+entries > q.MaxEntries) {
		return false, nil
	}
	if err := b.tx.Apply(c.writes); err != nil {
		return false, err
	}
	b.size, b.entries = b.size+size, b.entries+entries
	b.changes = append(b.changes, c)
	return true, nil
}

// admit refuses a change before it is staged.
func (q *Queue) admit(c *Change) error {
	if err := c.Ctx.Err(); err != nil {
		return err
	}
	if q.broken.Load() != nil {
		return q.brokenErr()
	}
	if q.Admit == nil {
		return nil
	}
	return q.Admit(c.Grows)
}

// commit makes a batch durable, and answers the callers whose changes are in it. Only
// here can something fail with an unknown outcome.
func (q *Queue) commit(b *batch) error {
	version := q.last + 1
	if err := q.Record(version, b.changes); err != nil {
		if errors.Is(err, q.Errors.Unknown) {
			q.Break(err)
			err = q.brokenErr()
		}
		for _, c := range b.changes {
			c.answer(err)
		}
		return err
	}
	for _, c := range b.changes {
		if c.Recorded != nil {
			c.Recorded()
		}
	}
	q.promiseLazy(version, b.changes)
	err := q.Commit(version, b.tx, b.changes)
	if err != nil {
		q.Break(err)
		err = q.brokenErr()
	} else {
		q.last = version
		q.readers.settle(version)
		if q.Settled != nil {
			q.Settled(version)
		}
	}
	for _, c := range b.changes {
		if err == nil && c.Settled != nil {
			c.Settled()
		}
		if err == nil && !c.Internal {
			q.commits.Add(1)
		}
		c.answer(err)
	}
	if q.Answered != nil {
		q.Answered()
	}
	return err
}

// promiseLazy lets the callers of lazy changes go on before the batch is durable: it
// is recorded, which the death of the process can't take back, and readers wait until
// it is settled.
func (q *Queue) promiseLazy(version uint64, changes []*Change) {
	if !slices.ContainsFunc(changes, func(c *Change) bool { return c.Lazy }) {
		return
	}
	q.readers.promise(version, changes)
	for _, c := range changes {
		if c.Lazy {
			c.answer(nil)
		}
	}
}

// tell gives the verdicts. If the batch failed, they fail as well, because they rest
// on it.
func (b *batch) tell(failed error) {
	for _, v := range b.told {
		switch {
		case failed != nil:
			v.c.answer(failed)
		case v.err == nil && v.c.Settled != nil:
			v.c.Settled()
			v.c.answer(nil)
		default:
			v.c.answer(v.err)
		}
	}
}
