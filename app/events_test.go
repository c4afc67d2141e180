package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	payments "github.com/rahgir/caddy-payments/app"
	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/operate/meters"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// ear is an event handler as slow as a test wants.
type ear struct {
	Name string `json:"name,omitempty"`
}

// heard is what ears with a name have heard; slow is what they do then.
var heard struct {
	sync.Mutex
	events map[string][]caddy.Event
	slow   func(context.Context)
}

func init() {
	caddy.RegisterModule(ear{})
	caddy.RegisterModule(memoryStorage{})
}

func (ear) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.test_ear", New: func() caddy.Module { return new(ear) }}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler.
func (e *ear) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&e.Name)
	return nil
}

// Handle implements caddyevents.Handler.
func (e ear) Handle(ctx context.Context, event caddy.Event) error {
	if event.Name() == "started" || event.Name() == "stopping" {
		return nil // Caddy's own, which it waits for
	}
	heard.Lock()
	heard.events[e.Name] = append(heard.events[e.Name], event)
	slow := heard.slow
	heard.Unlock()
	slow(ctx)
	return caddy.ErrEventAborted // nobody may mind
}

// memoryStorage is a ledger that its test may leave behind.
type memoryStorage struct{}

var memoryStore struct {
	sync.Mutex
	*memory.Store
	// dumb: the store doesn't tell its own secrets, as if its database were away.
	dumb atomic.Bool
}

type dumbStore struct{ *memory.Store }

func (s dumbStore) Secret(ctx context.Context, name string, mint func() ([]byte, error)) ([]byte, error) {
	if memoryStore.dumb.Load() {
		return nil, errors.New("the database can't be reached")
	}
	return s.Store.Secret(ctx, name, mint)
}

func (memoryStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.storage.test_memory", New: func() caddy.Module { return new(memoryStorage) }}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler.
func (memoryStorage) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

// Open implements storage.Opener.
func (memoryStorage) Open(context.Context, *zap.Logger) (payment.Store, func() error, error) {
	memoryStore.Lock()
	defer memoryStore.Unlock()
	return dumbStore{memoryStore.Store}, func() error { return nil }, nil
}

func listenWith(t *testing.T, slow func(context.Context)) {
	t.Helper()
	heard.Lock()
	defer heard.Unlock()
	heard.events, heard.slow = make(map[string][]caddy.Event), slow
	t.Cleanup(func() {
		heard.Lock()
		defer heard.Unlock()
		heard.slow = func(context.Context) {}
	})
}

func heardBy(name string) (events []caddy.Event) {
	heard.Lock()
	defer heard.Unlock()
	return slices.Clone(heard.events[name])
}

// listening is a Caddy in this process with an event handler of each name.
type listening struct {
	t          *testing.T
	box        *sandbox.Server
	boxURL     string
	site, text string
}

func newListening(t *testing.T) *listening {
	t.Helper()
	memoryStore.Lock()
	memoryStore.Store = memory.New(time.Now)
	memoryStore.Unlock()
	w := &listening{t: t, site: harness.Site(t)}
	w.box, w.boxURL = harness.Sandbox(t, sandbox.Options{})
	shop := harness.NewShop(t)
	w.text = fmt.Sprintf(`{
	admin off
	auto_https off
	persist_config off
	EVENTS
	payments {
		storage test_memory
		provider idpay {
			api_key %s
			base_url %s/idpay
		}
	}
}
%s {
	payments {
		verify /cb idpay {
			expect none
			orders many
		}
	}
	reverse_proxy %s
	# MORE
}
`, harness.APIKey, w.boxURL, w.site, shop.URL)
	t.Cleanup(func() { _ = caddy.Stop() })
	return w
}

func (w *listening) load(ears ...string) error {
	w.t.Helper()
	defer http.DefaultClient.CloseIdleConnections() // a reload closes them, and a client may not have noticed
	block := ""
	for _, name := range ears {
		block += "\n\t\ton * test_ear " + name
	}
	if block != "" {
		block = "events {" + block + "\n\t}"
	}
	out, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(strings.Replace(w.text, "EVENTS", block, 1)), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	err = caddy.Load(out, true)
	harness.AfterReload(w.t, os.Getpid())
	return err
}

func (w *listening) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// buy pays an order and brings its return; it says how long that took.
func (w *listening) buy(order string) time.Duration {
	w.t.Helper()
	body, _ := json.Marshal(map[string]any{"order_id": order, "amount": 50000, "callback": w.site + "/cb"})
	req, err := http.NewRequest(http.MethodPost, w.boxURL+"/idpay/v1.1/payment", bytes.NewReader(body))
	w.must(err)
	req.Header.Set("X-API-KEY", harness.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	var made struct{ ID string }
	err = json.NewDecoder(res.Body).Decode(&made)
	_ = res.Body.Close()
	w.must(err)
	acted, err := w.box.Act(made.ID, "pay")
	w.must(err)
	begin := time.Now()
	if status, text := w.get(acted.Return.URL); status != http.StatusOK || text != "the shop answers" {
		w.t.Fatalf("%d %s", status, text)
	}
	return time.Since(begin)
}

func (w *listening) get(address string) (int, string) {
	w.t.Helper()
	res, err := http.Get(address)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	return res.StatusCode, string(text)
}

func (w *listening) app() *payments.App {
	w.t.Helper()
	app, err := caddy.ActiveContext().App("payments")
	w.must(err)
	return app.(*payments.App) //nolint:forcetypeassert // the app of this name
}

// names are the names of those events that are ours.
func names(events []caddy.Event) (names []string) {
	for _, e := range events {
		if strings.HasPrefix(e.Name(), "payment_") {
			names = append(names, e.Name())
		}
	}
	return names
}

// An event handler that takes three seconds, and says that the event be aborted,
// costs a customer nothing; what it hears is in order.
func TestEventHandlersAreNotInThePaymentsWay(t *testing.T) {
	listenWith(t, func(context.Context) { time.Sleep(3 * time.Second) })
	w := newListening(t)
	w.must(w.load("a"))
	for i := range 3 {
		if took := w.buy(fmt.Sprint(i)); took > 2500*time.Millisecond {
			t.Errorf("a return took %s: it waited for the event handler", took)
		}
	}
	heard.Lock()
	heard.slow = func(context.Context) {}
	heard.Unlock()
	harness.Wait(t, "all events", 30*time.Second, func() bool {
		return strings.Count(strings.Join(names(heardBy("a")), " "), "payment_delivered") == 3
	})
	var first []string
	for _, e := range heardBy("a") {
		if e.Data["order"] == "0" && e.Name() != engine.EventAsked {
			first = append(first, e.Name())
		}
	}
	if !slices.Equal(first, []string{engine.EventVerified, engine.EventDelivering, engine.EventDelivered}) {
		t.Errorf("heard %v", first)
	}
}

// A handler that hangs, and far more events than there is room for: they are
// counted, nothing waits, and payments go on. Afterwards events come again.
func TestEventHandlersThatHang(t *testing.T) {
	hang := make(chan struct{})
	listenWith(t, func(context.Context) { <-hang })
	w := newListening(t)
	w.must(w.load("a"))
	before := value(t, "alerts_total", "kind", meters.KindDropped)
	begin := time.Now()
	const n = 20_000
	app := w.app()
	for range n {
		app.Observe(engine.Event{Name: engine.EventAsked, Record: &payment.Record{Ref: "r", Provider: "idpay"}})
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("%d events took %s beside a handler that hangs", n, took)
	}
	if dropped := value(t, "alerts_total", "kind", meters.KindDropped) - before; dropped < n-1100 || dropped > n-1000 {
		t.Errorf("%v of %d are counted as dropped", dropped, n)
	}
	if took := w.buy("x"); took > 2500*time.Millisecond {
		t.Errorf("a return took %s", took)
	}
	close(hang)
	harness.Wait(t, "the queue", 10*time.Second, func() bool { return len(heardBy("a")) > 1000 })
	w.buy("y")
	harness.Wait(t, "new events", 10*time.Second, func() bool { return slices.Contains(names(heardBy("a")), engine.EventDelivered) })
}

// After a reload the new configuration hears, also of what was queued before;
// a configuration that was given up leaves the old one hearing.
func TestEventsGoToTheNewestConfiguration(t *testing.T) {
	slow := make(chan struct{})
	listenWith(t, func(ctx context.Context) {
		select {
		case <-slow:
		case <-ctx.Done():
		}
	})
	w := newListening(t)
	w.must(w.load("a"))
	w.buy("1")
	harness.Wait(t, "the first", 5*time.Second, func() bool { return len(heardBy("a")) > 0 })
	w.must(w.load("b"))
	close(slow)
	harness.Wait(t, "the rest at the new one", 5*time.Second, func() bool { return slices.Contains(names(heardBy("b")), engine.EventDelivered) })
	if slices.Contains(names(heardBy("a")), engine.EventDelivered) {
		t.Error("the old configuration heard what came after")
	}
	// A second payments site on a port that is taken: http does not start.
	taken := harness.NewShop(t)
	good := w.text
	w.text += taken.URL + " {\n\tpayments\n}\n"
	w.text = strings.Replace(w.text, "auto_https off", "auto_https off\n\tdefault_bind 192.0.2.1", 1)
	if err := w.load("c"); err == nil {
		t.Fatal("a configuration with an address of nobody's started")
	}
	w.text = good
	before := len(heardBy("b"))
	w.buy("2")
	harness.Wait(t, "the one that stayed", 5*time.Second, func() bool { return len(heardBy("b")) > before })
	if len(heardBy("c")) != 0 {
		t.Error("a configuration that never started heard")
	}
}

// Without a handler nothing is copied or queued.
func TestEventsWithoutHandlers(t *testing.T) {
	w := newListening(t)
	w.must(w.load())
	app := w.app()
	harness.Wait(t, "the queue", 5*time.Second, func() bool { return app.Listens() })
	if app.Wants(engine.EventVerified) {
		t.Error("an event is wanted that nobody hears")
	}
	w.buy("1")
}

// Malformed returns of strangers: one alert, few lines, an exact count.
func TestManyMalformedReturnsAreOneAlert(t *testing.T) {
	listenWith(t, func(context.Context) {})
	w := newListening(t)
	w.must(w.load("a"))
	before := value(t, "returns_total", "kind", "malformed")
	const n = 500
	app := w.app()
	for range n {
		app.Observe(engine.Event{Name: engine.EventMalformed, Err: errors.New("test: no id"), Alert: true})
	}
	if got := value(t, "returns_total", "kind", "malformed") - before; got != n {
		t.Errorf("%v of %d are counted", got, n)
	}
	harness.Wait(t, "the alert", 5*time.Second, func() bool { return len(heardBy("a")) > 0 })
	app.FlushEvents(5 * time.Second)
	alerts, all := 0, 0
	for _, e := range heardBy("a") {
		if e.Name() == engine.EventMalformed {
			all++
			if e.Data["alert"] == true {
				alerts++
			}
		}
	}
	if alerts != 1 || all > 30 {
		t.Errorf("%d alerts and %d events for %d malformed returns", alerts, all, n)
	}
}

// Interface guards.
var (
	_ caddyevents.Handler   = ear{}
	_ storage.Opener        = memoryStorage{}
	_ caddyfile.Unmarshaler = memoryStorage{}
	_ caddyfile.Unmarshaler = (*ear)(nil)
)
