package handlers

import (
	"context"
	"errors"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// AppName is the name of the payments app.
const AppName = "payments"

// App is what a site needs of the payments app.
type App interface {
	// Engine returns the engine. It waits a moment while the store is being opened.
	// Requests that concern no payment never call it.
	Engine(ctx context.Context) (*engine.Engine, error)
	// Provider returns a configured provider and its traits. It works from
	// Provision on.
	Provider(name string) (ProviderInfo, bool)
	// ProviderNames returns all names, sorted.
	ProviderNames() []string
	// Affiliate returns the network to which a track belongs: the named one or, for "", the
	// only one.
	Affiliate(name string) (resolved string, r payment.Reporter, err error)
	// Keys returns the keys from the app's signing_key with the store's own behind them
	// (see Trusting), or the store's own alone, for which it waits like Engine.
	Keys(ctx context.Context) (*token.Keys, error)
	// Trusting returns a site's keys with the store's own behind them, without a wait.
	// Where the store is not open it returns them as they are, and so does Keys: whoever
	// reads what a browser brings asks for the engine first. Where the store couldn't be read
	// since Caddy started, both return an error beside them: they sign, and know not all.
	Trusting(ctx context.Context, keys *token.Keys) (*token.Keys, error)
	// HasKeys reports whether a signing_key is configured, which a shop can share.
	HasKeys() bool
	// Origin returns the app's public_url, or "" if there is none.
	Origin() string
	// Join tells the worker of a site. The app finds out its hosts when it starts.
	Join(s *Handler) error
	// Enter and Leave are called around each request, so that after a reload the store is
	// not closed while a request uses it.
	Enter()
	Leave()
	// Observe receives events.
	Observe(e engine.Event)
}

// ProviderInfo is a configured provider.
type ProviderInfo struct {
	payment.Provider
	Name string
	// Type is the module's name, as `provider <type>` has it.
	Type string
	// UsedIDs is "imported", "none" or "".
	UsedIDs string
}

// Terms returns everything that is known of the provider before it is asked.
func (p ProviderInfo) Terms() payment.Terms { return payment.TermsOf(p) }

// ErrNotOpen is returned while the store is not open.
var ErrNotOpen = errors.New("the payments store is not open yet")
