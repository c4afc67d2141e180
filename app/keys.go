package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// keptName is what the ledger's own key is called in the ledger.
	keptName = "signing_key"
	// keptAgain is how often a ledger without a key of its own is looked at again: another
	// node, or the configuration that a reload replaces, makes one when it first needs it.
	keptAgain = 10 * time.Second
	// keptTime bounds such a look, for which nobody waits.
	keptTime = 5 * time.Second
)

// errNoneKept keeps the ledger from making a key where one is only looked for. Whoever wrote a
// signing_key from the start has no second secret in the ledger and its backups.
var errNoneKept = errors.New("the ledger has no key of its own")

// Keys implements handlers.App.
//
// Invariant: the key that the ledger keeps is among those that verify, also after others are
// written, and it signs as long as none is. So the customers of a shop that had no signing_key
// keep what they bought when it gets one, and again when it loses it.
func (a *App) Keys(ctx context.Context) (*token.Keys, error) {
	if a.keys != nil {
		return a.Trusting(ctx, a.keys), nil
	}
	eng, err := a.Engine(ctx)
	if err != nil {
		return nil, err
	}
	a.opened.Lock()
	defer a.opened.Unlock()
	if a.opened.made != nil {
		return a.opened.made, nil
	}
	key, err := keptKey(ctx, eng, func() ([]byte, error) {
		b := make([]byte, payment.MinSecret)
		_, err := rand.Read(b)
		return b, err
	})
	if err != nil {
		return nil, err
	}
	a.opened.kept = key
	a.opened.made, err = token.NewKeys(*key)
	return a.opened.made, err
}

// Trusting implements handlers.App.
func (a *App) Trusting(ctx context.Context, keys *token.Keys) *token.Keys {
	if a.IgnoreLedgerKey {
		return keys
	}
	eng, err := a.Engine(ctx)
	if err != nil {
		return keys
	}
	a.opened.Lock()
	defer a.opened.Unlock()
	if a.opened.kept == nil {
		if now := time.Now(); now.Sub(a.opened.looked) >= keptAgain {
			a.opened.looked = now
			a.Enter() // the ledger stays open meanwhile
			go a.lookForKey(context.WithoutCancel(ctx), eng)
		}
		return keys
	}
	with := a.opened.with[keys]
	if with == nil {
		if with, err = keys.Trusting(*a.opened.kept); err != nil {
			a.log.Error("deriving the keys of the ledger's own key", zap.Error(err))
			return keys
		}
		if a.opened.with == nil {
			a.opened.with = make(map[*token.Keys]*token.Keys)
		}
		a.opened.with[keys] = with
	}
	return with
}

// lookForKey looks whether the ledger has got a key of its own.
func (a *App) lookForKey(ctx context.Context, eng *engine.Engine) {
	defer a.Leave()
	ctx, cancel := context.WithTimeout(ctx, keptTime)
	defer cancel()
	key, err := keptKey(ctx, eng, noneKept)
	if err != nil {
		return // it is looked for again
	}
	a.opened.Lock()
	defer a.opened.Unlock()
	a.opened.kept = key
}

// noneKept makes no key.
func noneKept() ([]byte, error) { return nil, errNoneKept }

// keptKey reads the ledger's own key. If there is none, mint makes it.
func keptKey(ctx context.Context, eng *engine.Engine, mint func() ([]byte, error)) (*payment.SigningKey, error) {
	secret, err := eng.Store.Secret(ctx, keptName, mint)
	if err != nil {
		return nil, fmt.Errorf("reading the store's own key: %w", err)
	}
	key, err := payment.NewSigningKey(secret, "")
	if err != nil {
		return nil, fmt.Errorf("the store's own key: %w", err)
	}
	return &key, nil
}
