package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/affiliates/notify"
	"github.com/rahgir/caddy-payments/affiliates/webhook"
	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
)

func init() { caddy.RegisterModule(new(App)) }

// App is the payments app. It holds the ledger, the providers, the affiliates and the
// worker that all sites of this Caddy share. Sites use it through the handler
// `payments`.
type App struct {
	// The ledger's storage. Default: `badger` in `{data dir}/payments`.
	StorageRaw json.RawMessage `json:"storage,omitempty" caddy:"namespace=payments.storage inline_key=module"`

	// The payment providers, by the names that sites use for them. Each object's `type`
	// names the gateway.
	ProvidersRaw map[string]json.RawMessage `json:"providers,omitempty" caddy:"namespace=payments.providers inline_key=type"`

	// The affiliate networks by name. Each object's `type` names the network.
	AffiliatesRaw map[string]json.RawMessage `json:"affiliates,omitempty" caddy:"namespace=payments.affiliates inline_key=type"`

	// Servers of the shop that get a message when something happens to a payment.
	Webhooks []*webhook.Hook `json:"webhooks,omitempty"`

	// How people are told that something needs them, by name.
	Notify map[string]*notify.Notifier `json:"notify,omitempty"`

	// The secrets that shops share with this module, at least 32 bytes each. The first
	// signs, all verify. Default: a random one in the ledger. That is enough for cookies
	// and checkout; options for which the shop must know the key refuse it.
	SigningKeys []handlers.SigningKey `json:"signing_keys,omitempty"`

	// Whether what the ledger's own key has signed counts no more: for a ledger or a backup of
	// it that was stolen. It needs signing_keys. Default: it verifies, behind the others, so
	// that the customers from before the first signing_key keep what they bought.
	IgnoreLedgerKey bool `json:"ignore_ledger_key,omitempty"`

	// The shop's address as browsers see it, such as `https://shop.example.com`, with a
	// path where several shops share a host. Write it here if there is one shop, else in
	// each site's block. Default: each site's own address, https unless the site serves
	// only http.
	PublicURL string `json:"public_url,omitempty"`

	ctx        caddy.Context
	log        *zap.Logger
	opener     storage.Opener
	providers  map[string]provider
	affiliates map[string]payment.Reporter
	keys       *token.Keys
	observer   *observer
	listener   *listener
	hooks      map[string]payment.Subscriber
	teller     *teller
	sites      *handlers.Sites

	// gate opens when Start has opened the store, or failed to.
	gate    chan struct{}
	opened  once
	engine  *engine.Engine
	release func() error
	stop    context.CancelFunc
	active  atomic.Int64
	// relayed are the providers that some relay serves, and those in whose place one
	// stands.
	relayed, inPlace sync.Map
	// forwards: some relay lets calls pass that can't be recorded.
	forwards atomic.Bool
	// lookEvery is how often the ledger is looked at; 0 for the default.
	lookEvery time.Duration
}

type provider struct {
	handlers.ProviderInfo
	timeout, patience time.Duration
}

// once guards what Start makes, or what is made later where the store had no room
// then; it is read after gate was closed.
type once struct {
	sync.Mutex
	err  error
	made *token.Keys
	gone bool
	// kept is the ledger's own key, nil where it has none; looked is when that was looked for
	// last, and read is whether the ledger has ever told.
	kept   *payment.SigningKey
	looked time.Time
	read   bool
	// with are configured keys with the ledger's own behind them.
	with map[*token.Keys]*token.Keys
	// signers are those of this process, and signed is when which keys were noted there.
	signers *signers
	signed  map[*token.Keys]time.Time
}

// set notes why the store is not open; nil where it is.
func (o *once) set(err error) {
	o.Lock()
	defer o.Unlock()
	o.err = err
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: handlers.AppName, New: func() caddy.Module { return new(App) }}
}

// Provision resolves secrets and loads the modules. It touches neither disk nor
// network: `caddy validate` must work beside a running server.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.log = ctx, ctx.Logger()
	a.gate = make(chan struct{})
	a.sites = handlers.NewSites()
	a.observer = newObserver(ctx, a.log)
	var err error
	if a.listener, err = a.observer.events.listen(ctx); err != nil {
		return err
	}
	if len(a.SigningKeys) > 0 {
		if a.keys, err = handlers.LoadKeys(a.SigningKeys, a.log); err != nil {
			return err
		}
	}
	if a.IgnoreLedgerKey && a.keys == nil {
		return errors.New("ledger_key off needs a signing_key beside it: without one the ledger's own key signs")
	}
	if a.PublicURL != "" {
		if err := handlers.CheckPublicURL(a.PublicURL); err != nil {
			return fmt.Errorf("public_url: %w", err)
		}
	}
	if err := a.provisionStorage(ctx); err != nil {
		return err
	}
	if err := a.provisionProviders(ctx); err != nil {
		return err
	}
	if a.affiliates, err = guests[payment.Reporter](ctx, a, "affiliate", "AffiliatesRaw", a.AffiliatesRaw); err != nil {
		return err
	}
	if err := a.listener.events.On("stopping", onEvent(a.stopping)); err != nil {
		return fmt.Errorf("subscribing to the end of the process: %w", err)
	}
	return a.provisionTelling(ctx)
}

func (a *App) provisionStorage(ctx caddy.Context) error {
	if len(a.StorageRaw) == 0 {
		a.StorageRaw = json.RawMessage(`{"module":"badger"}`)
	}
	if err := checkType("storage", a.StorageRaw, "module"); err != nil {
		return err
	}
	mod, err := ctx.LoadModule(a, "StorageRaw")
	if err != nil {
		return fmt.Errorf("loading the storage: %w", err)
	}
	opener, ok := mod.(storage.Opener)
	if !ok {
		return fmt.Errorf("module %T is no payments storage", mod)
	}
	a.opener = opener
	return nil
}

func (a *App) provisionProviders(ctx caddy.Context) error {
	a.providers = make(map[string]provider)
	raws := a.ProvidersRaw // loading empties the field
	mods, err := guests[payment.Provider](ctx, a, "provider", "ProvidersRaw", raws)
	for name, p := range mods {
		info := provider{ProviderInfo: handlers.ProviderInfo{Provider: p, Name: name, Type: typeOf(raws[name], "type")}, timeout: payment.DefaultTimeout}
		if t, ok := p.(payment.Timed); ok && t.CallTimeout() > 0 {
			info.timeout = t.CallTimeout()
		}
		if t, ok := p.(payment.Patient); ok {
			info.patience = t.RelayTimeout()
		}
		if u, ok := p.(payment.UsedIDs); ok {
			info.UsedIDs = u.UsedIDs()
		}
		a.providers[name] = info
	}
	return err
}

// guests loads the modules of one of the App's maps, by name.
func guests[T any](ctx caddy.Context, a *App, what, field string, raws map[string]json.RawMessage) (map[string]T, error) {
	for name, raw := range raws {
		if err := checkType(what+" "+name, raw, "type"); err != nil {
			return nil, err
		}
	}
	out := make(map[string]T)
	if len(raws) == 0 {
		return out, nil
	}
	mods, err := ctx.LoadModule(a, field)
	if err != nil {
		return nil, fmt.Errorf("loading the %ss: %w", what, err)
	}
	for name, mod := range mods.(map[string]any) { //nolint:forcetypeassert // LoadModule's documented result for a map
		guest, ok := mod.(T)
		if !ok {
			return nil, fmt.Errorf("%s %s: module %T is no %s", what, name, mod, what)
		}
		out[name] = guest
	}
	return out, nil
}

// checkType looks at the inline key before Caddy does: Caddy's own error would
// print the whole object, secrets included.
func checkType(what string, raw json.RawMessage, key string) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return fmt.Errorf("%s: not a JSON object", what)
	}
	if typeOf(raw, key) == "" {
		return fmt.Errorf("%s: %q is missing: it says which module this is", what, key)
	}
	return nil
}

func typeOf(raw json.RawMessage, key string) string {
	var object map[string]json.RawMessage
	var name string
	if json.Unmarshal(raw, &object) != nil || json.Unmarshal(object[key], &name) != nil {
		return ""
	}
	return name
}

// Provider implements handlers.App.
func (a *App) Provider(name string) (handlers.ProviderInfo, bool) {
	p, ok := a.providers[name]
	return p.ProviderInfo, ok
}

// ProviderNames implements handlers.App.
func (a *App) ProviderNames() []string {
	return slices.Sorted(maps.Keys(a.providers))
}

// Affiliate implements handlers.App.
func (a *App) Affiliate(name string) (string, payment.Reporter, error) {
	if name == "" {
		if len(a.affiliates) != 1 {
			return "", nil, fmt.Errorf("there are %d affiliates: `affiliate <name>` must say which", len(a.affiliates))
		}
		for n, aff := range a.affiliates {
			return n, aff, nil
		}
	}
	aff, ok := a.affiliates[name]
	if !ok {
		return "", nil, fmt.Errorf("%s is not configured", quote.Called("affiliate", name))
	}
	return name, aff, nil
}

// HasKeys implements handlers.App.
func (a *App) HasKeys() bool { return a.keys != nil }

// Origin implements handlers.App.
func (a *App) Origin() string { return a.PublicURL }

// Join implements handlers.App.
func (a *App) Join(h *handlers.Handler) error { return a.sites.Join(h) }

// Enter implements handlers.App.
func (a *App) Enter() { a.active.Add(1) }

// Leave implements handlers.App.
func (a *App) Leave() { a.active.Add(-1) }

// Observe implements handlers.App.
func (a *App) Observe(e engine.Event) { a.observer.Observe(e) }

// Interface guards.
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
	_ handlers.App       = (*App)(nil)
)
