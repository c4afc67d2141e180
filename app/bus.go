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
// Invariant: no event handler runs on the way of a payment, and none can stop
// or change one: handlers get copies, from a goroutine of the bus, and what they
// return is looked at by nobody.
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

// atExit is how long what is queued may still take when the process ends.
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
	return l, events.On("started", onStarted(func() { b.attach(l) }))
}

type onStarted func()

// Handle implements caddyevents.Handler.
func (f onStarted) Handle(context.Context, caddy.Event) error {
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
// left may belong to a configuration that was given up.
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

// wants says whether anybody would hear of an event; before the first
// configuration has started nobody knows.
func (b *bus) wants(name string) bool {
	l := b.now.Load()
	if l == nil {
		return !b.begun.Load()
	}
	return l.events.ShouldEmit(name)
}

// put queues an event, and reports false if there is no room.
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
var _ caddyevents.Handler = onStarted(nil)
