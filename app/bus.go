package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/emit"
)

// bus carries events to the events app of the newest started configuration.
// There is one in a process.
//
// Invariant: no event handler runs in a payment's path, and none can stop or change a
// payment: handlers get copies from the bus's own goroutine, and nobody reads what they
// return.
type bus struct {
	queue *emit.Queue
	now   atomic.Pointer[listener]
	begun atomic.Bool

	mu      sync.Mutex
	started []*listener
}

// listener is the events app of one configuration.
type listener struct {
	ctx    caddy.Context
	events *caddyevents.App
}

// atExit bounds how long the process waits for queued events when it ends.
const atExit = time.Second

func newBus(o emit.Options) *bus { return &bus{queue: emit.New(o)} }

var processBus = sync.OnceValue(func() *bus {
	return newBus(emit.Options{Trouble: func(err error) {
		caddy.Log().Named("payments").Error("event_handler", zap.Error(err))
	}})
})

// listen makes a configuration's events app the one that hears, once all apps
// of it run: it can't be asked while it takes subscriptions.
func (b *bus) listen(ctx caddy.Context) (*listener, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, fmt.Errorf("loading the events app: %w", err)
	}
	events, ok := app.(*caddyevents.App)
	if !ok {
		return nil, fmt.Errorf("the events app is a %T", app)
	}
	l := &listener{ctx, events}
	return l, events.On("started", onEvent(func() { b.attach(l) }))
}

// onEvent is called for each event of the events app that it subscribes to.
type onEvent func()

// Handle implements caddyevents.Handler.
func (f onEvent) Handle(context.Context, caddy.Event) error {
	f()
	return nil
}

func (b *bus) attach(l *listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started = append(b.started, l)
	b.now.Store(l)
	b.begun.Store(true)
	b.queue.Run()
}

// leave takes a listener out. The newest of the others hears again: the one that
// left may belong to a configuration that failed to start.
func (b *bus) leave(l *listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started = slices.DeleteFunc(b.started, func(x *listener) bool { return x == l })
	var newest *listener
	if n := len(b.started); n > 0 {
		newest = b.started[n-1]
	}
	b.now.Store(newest)
}

// wants reports whether a handler listens for an event. It is true until the first
// configuration has started, because nobody knows before.
func (b *bus) wants(name string) bool {
	l := b.now.Load()
	if l == nil {
		return !b.begun.Load()
	}
	return l.events.ShouldEmit(name)
}

// put queues an event. It reports false if the queue is full.
func (b *bus) put(name string, data map[string]any) bool {
	return b.queue.Put(func(ctx context.Context) {
		l := b.now.Load()
		if l == nil {
			return
		}
		// The handlers are told when their configuration ends, too.
		if until, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(l.ctx.Context, until)
			defer cancel()
		}
		own := l.ctx
		own.Context = ctx
		l.events.Emit(own, name, data)
	})
}

// Interface guard.
var _ caddyevents.Handler = onEvent(nil)
