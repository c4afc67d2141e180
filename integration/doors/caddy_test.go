package doors

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"go.uber.org/zap"

	_ "github.com/rahgir/caddy-payments" // the module under test, with all that it imports
	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/memory"
)

func init() {
	caddy.RegisterModule(ledgerModule{})
	caddy.RegisterModule(&eventModule{})
	caddy.RegisterModule(logModule{})
}

// running is the world that the modules below belong to; worlds are lived one
// after the other, because Caddy has one configuration a process.
var running struct {
	sync.Mutex
	loads  int
	store  *memory.Store
	order  *order
	clock  *clock
	events []event
	logs   []string
}

// event is something that Caddy's event app was told, or a log line.
type event struct {
	Name string
	Data map[string]any
}

// clock is the time of a world: the real one and what was added to it, so that
// three days pass in a moment.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// ledgerModule is a ledger in memory, on the world's clock.
type ledgerModule struct{}

func (ledgerModule) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.storage.doors", New: func() caddy.Module { return new(ledgerModule) }}
}

func (*ledgerModule) Open(context.Context, *zap.Logger) (payment.Store, func() error, error) {
	running.Lock()
	defer running.Unlock()
	return owned{running.store, fmt.Sprintf("doors-%d", running.loads), running.order}, func() error { return nil }, nil
}

// eventModule hears all events.
type eventModule struct{}

func (*eventModule) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.doors", New: func() caddy.Module { return new(eventModule) }}
}

func (*eventModule) Handle(_ context.Context, e caddy.Event) error {
	running.Lock()
	defer running.Unlock()
	running.events = append(running.events, event{e.Name(), e.Data})
	return nil
}

// logModule keeps the log, which is looked at for panics and for the reader of a
// failure.
type logModule struct{}

func (logModule) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.writers.doors", New: func() caddy.Module { return new(logModule) }}
}

func (*logModule) String() string                      { return "doors" }
func (*logModule) WriterKey() string                   { return "doors" }
func (*logModule) OpenWriter() (io.WriteCloser, error) { return logWriter{}, nil }

type logWriter struct{}

func (logWriter) Write(b []byte) (int, error) {
	running.Lock()
	defer running.Unlock()
	running.logs = append(running.logs, strings.TrimSpace(string(b)))
	return len(b), nil
}
func (logWriter) Close() error { return nil }

// since returns the events that were heard, and the log lines, from a mark on.
func since(events, logs int) ([]event, []string) {
	running.Lock()
	defer running.Unlock()
	return append([]event(nil), running.events[min(events, len(running.events)):]...),
		append([]string(nil), running.logs[min(logs, len(running.logs)):]...)
}

// heard is how many there are.
func heard() (events, logs int) {
	running.Lock()
	defer running.Unlock()
	return len(running.events), len(running.logs)
}

// adapt turns a Caddyfile into the JSON that a world runs.
func adapt(caddyfile string) ([]byte, error) {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return nil, err
	}
	var config map[string]any
	if err := json.Unmarshal(adapted, &config); err != nil {
		return nil, err
	}
	apps := config["apps"].(map[string]any) //nolint:forcetypeassert // every world has apps
	apps["events"] = map[string]any{"subscriptions": []any{map[string]any{"handlers": []any{map[string]any{"handler": "doors"}}}}}
	if ours, ok := apps["payments"].(map[string]any); ok {
		ours["storage"] = map[string]any{"module": "doors"}
	}
	config["logging"] = map[string]any{"logs": map[string]any{"default": map[string]any{
		"writer": map[string]any{"output": "doors"}, "encoder": map[string]any{"format": "json"}, "level": "INFO",
	}}}
	config["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	if http, ok := apps["http"].(map[string]any); ok {
		http["grace_period"] = int64(time.Millisecond)
		for _, srv := range http["servers"].(map[string]any) { //nolint:forcetypeassert // the adapter's shape
			s := srv.(map[string]any) //nolint:forcetypeassert // the same
			var listen []any
			for _, l := range s["listen"].([]any) { //nolint:forcetypeassert // the same
				listen = append(listen, network+"/"+l.(string)) //nolint:forcetypeassert // the same
			}
			s["listen"] = listen
		}
	}
	if broken != nil {
		broken(config)
	}
	return json.Marshal(config)
}

// broken seeds a fault into a configuration, for the oracle's own tests.
var broken func(map[string]any)

// load starts a world's Caddy, in place of the one before.
func load(caddyfile string, c *clock) error {
	store := memory.New(c.Now)
	running.Lock()
	running.loads++
	running.store, running.order, running.clock, running.events, running.logs = store, new(order), c, nil, nil
	running.Unlock()
	config, err := adapt(caddyfile)
	if err != nil {
		return fmt.Errorf("adapting: %w", err)
	}
	return caddy.Load(config, true)
}

// theEngine is the engine of the running configuration, which the worker's time
// is given to.
func theEngine(ctx context.Context) (*engine.Engine, error) {
	app, err := caddy.ActiveContext().App("payments")
	if err != nil {
		return nil, err
	}
	return app.(interface { //nolint:forcetypeassert // the app's contract with its handlers
		Engine(context.Context) (*engine.Engine, error)
	}).Engine(ctx)
}

// Interface guards.
var (
	_ storage.Opener      = (*ledgerModule)(nil)
	_ caddyevents.Handler = (*eventModule)(nil)
	_ caddy.WriterOpener  = (*logModule)(nil)
)
