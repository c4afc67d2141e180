package commit

import (
	"context"
	"errors"
	"fmt"

	"github.com/rahgir/caddy-payments/storage/badger/journal"
)

// ErrLeft is wrapped by the error of a caller whose context ended before the
// answer: the ledger tells later what became of the change.
var ErrLeft = errors.New("the caller stopped waiting; the change may still be written")

// Write is one entry to be set, or deleted.
type Write = journal.Write

// Getter reads the ledger as it will be after the changes before this one. A
// missing key gives nil.
type Getter func(key []byte) ([]byte, error)

// Change is what a caller wants written. It is used once.
type Change struct {
	// Ctx ends the caller's wait. A change that nobody has looked at by then is not
	// written.
	Ctx context.Context //nolint:containedctx // one value is one call
	// Stage checks the change against the ledger and says what to write. It may run
	// after its caller has left, and changes nothing itself.
	Stage func(get Getter) ([]Write, error)
	// Grows tells new work, which a full disk refuses first.
	Grows bool
	// Lazy lets the caller go on when the change is recorded.
	Lazy bool
	// Internal changes are not counted by [Queue.Commits].
	Internal bool
	// Recorded is called when the change is recorded, before any caller of its batch is
	// told.
	Recorded func()
	// Settled is called when the change is durable, before a caller whose change is not
	// lazy is told.
	Settled func()

	writes []Write
	done   chan error
	told   bool // only the writing goroutine has it
}

// Writes gives what Stage returned.
func (c *Change) Writes() []Write { return c.writes }

// answer tells the caller what became of the change, unless it was told before.
func (c *Change) answer(err error) {
	if !c.told {
		c.told = true
		c.done <- err
	}
}

// wait waits for the answer, or until the caller's context ends.
func (c *Change) wait() error {
	select {
	case err := <-c.done:
		return err
	case <-c.Ctx.Done():
		return c.left()
	}
}

// left returns the answer to a caller that no longer waits.
func (c *Change) left() error {
	select {
	case err := <-c.done:
		return err
	default:
		return fmt.Errorf("%w: %w", ErrLeft, context.Cause(c.Ctx))
	}
}
