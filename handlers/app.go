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
	// Engine returns the engine, waiting a moment while the store is being
	// opened. Requests that concern no payment never call it.
	Engine(ctx context.Context) (*engine.Engine, error)
	// Provider returns a configured provider and its traits. It works from
	// Provision on.
	Provider(name string) (ProviderInfo, bool)
	// ProviderNames are all of them, sorted.
	ProviderNames() []string
	// Affiliate returns the network a track belongs to: the named one or, for
	// "", the only one.
	Affiliate(name string) (resolved string, r payment.Reporter, err error)
	// Keys returns the keys of the app's signing_key, or those made by the
	// store, waiting like Engine.
	Keys(ctx context.Context) (*token.Keys, error)
	// HasKeys is whether signing_key is written: what a shop shares with us.
	HasKeys() bool
	// Origin is the app's public_url, empty without.
	Origin() string
	// Join makes a site known to the worker; the app places it when it starts.
	Join(s *Handler) error
	// Enter and Leave bracket each request, so that the store is not closed
	// under one after a reload.
	Enter()
	Leave()
	// Observe takes events.
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

// Terms returns what is known of the provider before it is asked.
func (p ProviderInfo) Terms() payment.Terms { return payment.TermsOf(p) }

// ErrNotOpen is returned while the store is not open.
var ErrNotOpen = errors.New("the payments store is not open yet")
