package engine

import (
	"context"
	"fmt"
	"time"
)

// ErrStopping wraps [ErrNotNow]: the process is told to stop, and no hand-over begins
// any more. What is verified is on record, and the next process hands it over.
var ErrStopping = fmt.Errorf("%w: the process is told to stop", ErrNotNow)

// Quiesce begins no hand-over any more, and waits until those that run, with the shop's
// pages that they are, have ended or ctx has. It is for the moment before listeners
// close: a shop that is being told may still call its provider, through the relay, and
// would be refused the connection.
func (e *Engine) Quiesce(ctx context.Context) error {
	e.mu.Lock()
	e.stopping = true
	if e.quiet == nil {
		e.quiet = make(chan struct{})
		if e.handing == 0 {
			close(e.quiet)
		}
	}
	quiet := e.quiet
	e.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("hand-overs still running: %w", ctx.Err())
	}
}

// reportGrace is how long a report that runs may take when the process is told to stop.
const reportGrace = time.Second

// EndReports begins no report any more, and ends those that run after a moment. A report
// that hangs must not hold the process: it stands in its record, and the next process sends it
// again under the same id.
func (e *Engine) EndReports() {
	if !e.ending.Swap(true) {
		time.AfterFunc(reportGrace, e.reports)
	}
}

// cutOff reports whether a report was ended because the process stops.
func (e *Engine) cutOff() bool {
	select {
	case <-e.cut:
		return true
	default:
		return false
	}
}

// whileReporting returns a context for one report.
func (e *Engine) whileReporting(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, reportLimit)
	go func() {
		select {
		case <-e.cut:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// beginHandOver counts one; it is false once the process is told to stop.
func (e *Engine) beginHandOver() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return false
	}
	e.handing++
	return true
}

func (e *Engine) endHandOver() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handing--
	if e.handing == 0 && e.stopping {
		select {
		case <-e.quiet:
		default:
			close(e.quiet)
		}
	}
}

// Page counts a page of the shop's own that may call the provider through the relay; over
// must be called when it has ended. One that comes while the process stops is served
// like any other, and waited for if others still are.
func (e *Engine) Page() (over func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handing++
	return e.endHandOver
}
