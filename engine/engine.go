package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Engine carries out the rules of money for one configuration. Several engines
// may work on one store at once (reload, several nodes): leases and
// compare-and-set keep them apart. It is safe for concurrent use.
type Engine struct {
	Config

	// running counts work that must end before the store may be closed.
	running sync.WaitGroup

	mu     sync.Mutex
	paused map[string]bool
	closed bool
	// stopping: no hand-over begins any more; handing are those that run, and quiet is
	// closed when there are none.
	stopping bool
	handing  int
	quiet    chan struct{}
	wake     chan struct{}
	// working is what the worker does, and where; lines are what waits for a place,
	// which waiting knows and queued counts; crowded is whether a hand-over found none
	// because of others' receivers.
	working map[payment.Ref]place
	waiting map[payment.Ref]place
	queued  map[place]int
	lines   map[place]*queues
	crowded bool
	// asking counts the questions under way, and idle tells when there are none;
	// full is whether the store had no room for one.
	asking int
	idle   *sync.Cond
	full   atomic.Bool
	// told is the store's troubles, and when each was told.
	told map[string]time.Time

	// known is what the ledger knows of the configured accounts.
	accounts sync.Mutex
	known    map[string]account
}

// New returns an engine over an open store.
func New(_ context.Context, c Config) (*Engine, error) {
	c.fill()
	e := &Engine{
		Config: c, paused: make(map[string]bool), wake: make(chan struct{}, 1), told: make(map[string]time.Time), known: make(map[string]account),
		working: make(map[payment.Ref]place), waiting: make(map[payment.Ref]place), queued: make(map[place]int), lines: make(map[place]*queues),
	}
	e.idle = sync.NewCond(&e.mu)
	return e, nil
}

// Close refuses new work and waits until what is running has ended, or ctx
// has.
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

// generation is the ledger's, asked for each time: a database that fails over to
// a standby begins a new one while we run.
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

// poke makes the worker look at what is due without waiting for its tick.
func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// commit writes a change, with what is to be told of it, and reports a store that
// failed.
func (e *Engine) commit(ctx context.Context, r *payment.Record, lazy bool, take ...payment.Key) error {
	e.fillOutbox(r)
	start := time.Now()
	err := e.Store.Commit(ctx, payment.Change{Record: r, Take: take, Lazy: lazy})
	if t, ok := e.Observer.(Timer); ok {
		t.Committed(time.Since(start), !lazy, err)
	}
	if err != nil && !answered(err) && e.Store.Ready() != nil {
		e.trouble(r, err, true)
	}
	return err
}
