package commit

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Tx is a transaction that reads at one version, and sees its own writes.
type Tx interface {
	// Get gives nil for a key that is missing.
	Get(key []byte) ([]byte, error)
	Apply(writes []Write) error
	Discard()
}

// Config is what a [Queue] works with. Its functions are called by one goroutine at
// a time, but for Broke.
type Config struct {
	// Begin opens a transaction that reads at a version. It is discarded in the end.
	Begin func(version uint64) Tx
	// Record puts a batch where the death of the process can't take it back. An error
	// says that nothing was written, and is what the callers are told, unless it wraps
	// Errors.Unknown.
	Record func(version uint64, batch []*Change) error
	// Commit makes a batch that was recorded durable, as a version. An error is one of
	// unknown outcome.
	Commit func(version uint64, tx Tx, batch []*Change) error
	// Admit refuses a change before it is staged. It may be nil.
	Admit func(grows bool) error
	// Settled is called when readers see a version, before its callers are told. It may
	// be nil.
	Settled func(version uint64)
	// Answered is called after all callers of a batch were told. It may be nil.
	Answered func()
	// Broke is told why nothing is written any more; damaged says that nothing is read
	// any more either. It may be nil.
	Broke func(cause error, damaged bool)

	Errors Errors

	// MaxChanges is how many changes a batch has at most, MaxEntries how many writes,
	// MaxSize how many bytes as [Write.Size] counts them. A single change must be
	// within the last two.
	MaxChanges, MaxEntries, MaxSize int
}

// Errors are what callers can tell by errors.Is.
type Errors struct {
	// Closed: the queue was closed.
	Closed error
	// Broken: a failure of unknown outcome has ended the writing.
	Broken error
	// Damaged is wrapped by the cause of a Broken where a function panicked.
	Damaged error
	// Unknown is wrapped by an error of Record after which nobody knows what was
	// written.
	Unknown error
}

// Queue takes changes and commits them. Its methods may be called by any number of
// goroutines, but for Advance, Last and Next.
type Queue struct {
	Config

	gate    gate
	turns   turns
	readers readers
	last    uint64 // version of the newest commit; only the writing goroutine has it

	broken  atomic.Pointer[error] // why nothing may be written any more
	ruined  atomic.Pointer[error] // why nothing may be read either
	commits atomic.Uint64
}

// New gives a queue whose newest version is 0, see [Queue.Advance].
func New(c Config) *Queue {
	q := &Queue{Config: c}
	q.readers.init()
	return q
}

// Advance says that the newest version is at least this one. It may be called before
// the first change and after Close.
func (q *Queue) Advance(version uint64) {
	q.last = max(q.last, version)
	q.readers.settle(q.last)
}

// Last returns the version of the newest commit. It may be called before the first change
// and after Close.
func (q *Queue) Last() uint64 { return q.last }

// Next returns the version of the batch that is being staged. Only Stage may call it.
func (q *Queue) Next() uint64 { return q.last + 1 }

// Commits returns how many changes were committed.
func (q *Queue) Commits() uint64 { return q.commits.Load() }

// Submit hands a change over and waits for its outcome, or until the caller's
// context ends: then the error wraps [ErrLeft], and the writing goes on. A caller that
// can't leave does the writing itself where nobody else does.
func (q *Queue) Submit(c *Change) error {
	if err := q.gate.enter(); err != nil {
		return q.Errors.Closed
	}
	defer q.gate.exit()
	if err := c.Ctx.Err(); err != nil {
		return err
	}
	if q.broken.Load() != nil {
		return q.brokenErr()
	}
	c.done = make(chan error, 1)
	switch {
	case !q.turns.enqueue(c):
	case c.Lazy || c.Ctx.Done() != nil:
		go q.write(nil) // its caller does not wait for the sync, or may leave
	default:
		q.write(c)
	}
	return c.wait()
}

// View runs f with the version to read at, at which everything is seen that was
// committed when View was called. If keys are given, f reads nothing else, and only
// they are that new: then f waits for fewer lazy changes.
func (q *Queue) View(ctx context.Context, f func(version uint64) error, keys ...[]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return q.Within(func() error {
		version, err := q.readers.begin(ctx, keys...)
		if err != nil {
			return err
		}
		defer q.readers.end(version)
		if cause := q.ruined.Load(); cause != nil {
			return fmt.Errorf("%w: %w", q.Errors.Broken, *cause)
		}
		return q.contain(func() error { return f(version) })
	})
}

// Within runs f while the queue can't be closed.
func (q *Queue) Within(f func() error) error {
	if err := q.gate.enter(); err != nil {
		return q.Errors.Closed
	}
	defer q.gate.exit()
	return f()
}

// Hold keeps a version that was settled from being older than [Queue.Oldest], until
// the function is called.
func (q *Queue) Hold(version uint64) (release func()) {
	q.readers.hold(version)
	return sync.OnceFunc(func() { q.readers.end(version) })
}

// Oldest returns the version below which nobody reads.
func (q *Queue) Oldest() uint64 { return q.readers.oldest() }

// Ready gives why no change is taken, or nil.
func (q *Queue) Ready() error {
	if q.Closed() {
		return q.Errors.Closed
	}
	if q.broken.Load() != nil {
		return q.brokenErr()
	}
	return nil
}

// Broken reports whether nothing is written any more.
func (q *Queue) Broken() bool { return q.broken.Load() != nil }

// Ruined returns why nothing is read any more, or nil.
func (q *Queue) Ruined() error {
	if cause := q.ruined.Load(); cause != nil {
		return *cause
	}
	return nil
}

// Closed reports whether Close was called.
func (q *Queue) Closed() bool { return q.gate.closing.Load() }

// Close refuses new callers, and waits until those before were answered and nobody
// writes or reads. It reports whether this call was the first.
func (q *Queue) Close() bool {
	first := q.gate.close()
	q.turns.holders.Wait()
	return first
}

// Break ends the writing, after a failure of unknown outcome.
func (q *Queue) Break(cause error) {
	q.broken.CompareAndSwap(nil, &cause)
	q.readers.breakAll(q.brokenErr())
	if q.Broke != nil {
		q.Broke(cause, false)
	}
}

// Ruin ends writing and reading: what is read can't be believed any more.
func (q *Queue) Ruin(cause error) {
	first := q.ruined.CompareAndSwap(nil, &cause)
	q.broken.CompareAndSwap(nil, &cause)
	q.readers.breakAll(q.brokenErr())
	if first && q.Broke != nil {
		q.Broke(cause, true)
	}
}

// contain makes an error of a panic, by which a store says that a file is not as it
// was written.
func (q *Queue) contain(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			cause := fmt.Errorf("%w: %v", q.Errors.Damaged, p)
			q.Ruin(cause)
			err = fmt.Errorf("%w: %w", q.Errors.Broken, cause)
		}
	}()
	return f()
}

func (q *Queue) brokenErr() error {
	if cause := q.broken.Load(); cause != nil {
		return fmt.Errorf("%w: %w", q.Errors.Broken, *cause)
	}
	return q.Errors.Broken
}
