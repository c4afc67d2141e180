package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Engine carries out the rules of money for one configuration. Several engines may work on
// one store at once (during a reload, or on several nodes); leases and compare-and-set
// keep them apart. It is safe for concurrent use.
type Engine struct {
	Config

	// running counts work that must end before the store may be closed.
	running sync.WaitGroup

	// paused has the names of receivers that are paused.
	paused sync.Map

	mu     sync.Mutex
	closed bool
	// stopping: no delivery begins any more. handing counts the running ones, and quiet is
	// closed when there are none.
	stopping bool
	handing  int
	quiet    chan struct{}
	wake     chan struct{}
	// reports ends the reports that run. ending: no other begins any more.
	reports context.CancelFunc
	cut     <-chan struct{}
	ending  atomic.Bool
	// working has the records that the worker works on, and their places. lines has the
	// queue of each place; waiting and queued index and count what is in them. crowded:
	// some delivery found no place because of other receivers.
	working map[payment.Ref]place
	waiting map[payment.Ref]place
	queued  map[place]int
	lines   map[place]*queues
	crowded bool
	// asking counts the questions in progress, and allAnswered signals when there are none.
	// full: the store had no room for one.
	asking      int
	allAnswered *sync.Cond
	full        atomic.Bool
	// troubles are the store's faults, and when each was reported.
	troubles map[string]time.Time

	// known is what the ledger knows of the configured accounts.
	accounts sync.Mutex
	known    map[string]account
	// sorted are the names of the providers.
	sorted []string
	// began is since when this configuration is in force.
	began time.Time
}

// New returns an engine over an open store.
func New(_ context.Context, c Config) (*Engine, error) {
	c.fill()
	e := &Engine{
		Config: c, wake: make(chan struct{}, 1), troubles: make(map[string]time.Time), known: make(map[string]account),
		working: make(map[payment.Ref]place), waiting: make(map[payment.Ref]place), queued: make(map[place]int), lines: make(map[place]*queues),
	}
	var reports context.Context
	reports, e.reports = context.WithCancel(context.Background())
	e.cut = reports.Done()
	e.allAnswered = sync.NewCond(&e.mu)
	e.sorted = slices.Sorted(maps.Keys(c.Providers))
	e.began = e.now()
	e.Shared.since(e.began)
	return e, nil
}

// Close refuses new work, and waits until the running work or ctx has ended.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		e.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("payments still running: %w", ctx.Err())
	}
}

// begin registers work; it reports false once the engine is closing.
func (e *Engine) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.running.Add(1)
	return true
}

func (e *Engine) now() time.Time { return e.Clock.Now().UTC() }

// generation returns the ledger's generation. It asks each time, because a database that
// fails over to a standby begins a new one while we run.
func (e *Engine) generation(ctx context.Context) (payment.Generation, error) {
	g, err := e.Store.Generation(ctx)
	if err != nil {
		return g, fmt.Errorf("reading the ledger's generation: %w", err)
	}
	return g, nil
}

func (e *Engine) provider(name string) (Provider, error) {
	p, ok := e.Providers[name]
	if !ok {
		return Provider{}, fmt.Errorf("provider %q is not configured", name)
	}
	return p, nil
}

func (e *Engine) lease(d time.Duration) payment.Lease {
	return payment.Lease{Owner: e.Store.Owner(), Until: e.Store.Now().Add(d)}
}

func (e *Engine) observe(name string, r *payment.Record, err error, alert bool) {
	e.Observer.Observe(Event{Name: name, Record: r, Err: err, Alert: alert})
}

// wakeWorker makes the worker look for due records at once.
func (e *Engine) wakeWorker() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// commitOutcome is what came of a change, in one word.
func commitOutcome(err error) string {
	var taken *payment.TakenError
	switch {
	case err == nil:
		return "written"
	case errors.Is(err, payment.ErrConflict):
		return "conflict"
	case errors.As(err, &taken):
		return "taken"
	}
	return "failed"
}

// failed is an error that is the store's failure, and no answer of it.
func failed(err error) error {
	if err == nil || answered(err) {
		return nil
	}
	return err
}

// commit writes a change, with what is to be told of it, and reports a store that
// failed.
func (e *Engine) commit(ctx context.Context, r *payment.Record, lazy bool, take ...payment.Key) error {
	if err := e.fillOutbox(ctx, r); err != nil {
		return err
	}
	start := time.Now()
	ctx, end := e.span(ctx, SpanCommit, r.Ref)
	err := e.Store.Commit(ctx, payment.Change{Record: r, Take: take, Lazy: lazy})
	end(r, commitOutcome(err), failed(err))
	if t, ok := e.Observer.(Timer); ok {
		t.Committed(time.Since(start), !lazy, err)
	}
	if err != nil && !answered(err) && e.Store.Ready() != nil {
		e.trouble(r, err, true)
	}
	return err
}

// troubleEvery is how often the same fault of the store is reported, because it hits every
// payment.
const troubleEvery = time.Minute

// trouble reports a fault of the store.
func (e *Engine) trouble(r *payment.Record, err error, alert bool) {
	text, now := err.Error(), e.now()
	if alert {
		text += "!"
	}
	e.mu.Lock()
	last, again := e.troubles[text]
	again = again && now.Sub(last) < troubleEvery && !now.Before(last)
	if !again {
		if len(e.troubles) == 100 {
			clear(e.troubles)
		}
		e.troubles[text] = now
	}
	e.mu.Unlock()
	if !again {
		e.observe(EventStore, r, err, alert)
	}
}

// answered: the error is an ordinary answer of the store, not a fault.
func answered(err error) bool {
	var taken *payment.TakenError
	return errors.Is(err, payment.ErrConflict) || errors.As(err, &taken)
}
