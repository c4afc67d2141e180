package app

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// Relayer implements relay.App.
func (a *App) Relayer(name string) (payment.Relayer, bool) {
	p, ok := a.providers[name]
	if !ok {
		return nil, false
	}
	r, ok := p.Provider.(payment.Relayer)
	return r, ok
}

// Forwarded implements relay.App: beside the ledger, in Caddy's data directory, because
// the ledger's own disk may be what is full.
func (a *App) Forwarded() *forwarded.Log {
	return forwarded.At(filepath.Join(caddy.AppDataDir(), "payments-forwarded", "calls.jsonl"))
}

// Serves implements relay.App. Relays are provisioned before anything is served.
func (a *App) Serves(names []string) {
	for _, name := range names {
		a.relayed.Store(name, true)
	}
}

// Forwards implements relay.App.
func (a *App) Forwards() { a.forwards.Store(true) }

// Relays implements relay.App.
func (a *App) Relays(name string) bool {
	_, ok := a.relayed.Load(name)
	return ok
}

// Callback implements relay.App.
func (a *App) Callback(ctx context.Context, u *url.URL, provider string) (relay.Site, bool) {
	return a.sites.Callback(ctx, u, provider)
}

// sealer seals what a shop hasn't heard yet with the app's relay key, so that neither a
// ledger's file nor a copy of it shows card data of a provider's answer. A payment's
// reference opens it only.
type sealer struct{ keys func() (*token.Keys, error) }

// aead returns the ciphers of all keys; the first seals. What they seal begins with its nonce.
func (s sealer) aead() ([]cipher.AEAD, error) {
	keys, err := s.keys()
	if err != nil {
		return nil, err
	}
	var all []cipher.AEAD
	for _, k := range keys.All(payment.PurposeRelay) {
		sum := sha256.Sum256(k)
		block, err := aes.NewCipher(sum[:])
		if err != nil {
			return nil, fmt.Errorf("sealing: %w", err)
		}
		gcm, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("sealing: %w", err)
		}
		all = append(all, gcm)
	}
	if len(all) == 0 {
		return nil, errNoKey
	}
	return all, nil
}

var (
	errNoKey  = errors.New("there is no key to seal with")
	errSealed = errors.New("sealed with another key, or for another payment")
)

// Seal implements engine.Sealer.
func (s sealer) Seal(ref payment.Ref, b []byte) ([]byte, error) {
	all, err := s.aead()
	if err != nil {
		return nil, err
	}
	return all[0].Seal(nil, nil, b, []byte(ref)), nil //nolint:gosec // it makes the nonce itself
}

// Open implements engine.Sealer.
func (s sealer) Open(ref payment.Ref, b []byte) ([]byte, error) {
	all, err := s.aead()
	if err != nil {
		return nil, err
	}
	for _, gcm := range all {
		if plain, err := gcm.Open(nil, nil, b, []byte(ref)); err == nil {
			return plain, nil
		}
	}
	return nil, errSealed
}

// Interface guards.
var (
	_ relay.App     = (*App)(nil)
	_ engine.Sealer = sealer{}
)
