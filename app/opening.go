package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// roomEvery is how often a store that had no room is tried again.
const roomEvery = 2 * time.Second

// Start places the sites, opens the store and starts the worker.
//
// A disk without room is no reason to serve nothing: logs, backups and other
// programs fill it and empty it, and sites that have nothing to do with payments
// would be down with it. So the app starts, what needs the store gets 503, and the
// store opens by itself when there is room. Whatever else keeps it from opening (its
// files belong to another user, another process has it open, it is damaged or was
// moved, the database refuses us) stays so until the owner acts: that is an error,
// which a reload answers by keeping the configuration that works.
func (a *App) Start() error {
	ctx, stop := context.WithCancel(context.WithoutCancel(a.ctx))
	a.stop = stop
	defer a.startWatching(ctx)
	err := a.placeSites()
	if err == nil {
		err = a.open(ctx)
	}
	a.opened.set(err)
	close(a.gate)
	if errors.Is(err, payment.ErrFull) {
		a.log.Error("the payments store has no room to be opened: what needs it gets 503 until there is room, everything else is served", zap.Error(err))
		go a.awaitRoom(ctx)
		return nil
	}
	if err == nil {
		a.sayWhere()
	}
	return err
}

// awaitRoom opens the store when there is room.
func (a *App) awaitRoom(ctx context.Context) {
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	var said string
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := a.open(ctx)
		if ctx.Err() != nil {
			return
		}
		a.opened.set(err)
		if err == nil {
			a.log.Info("there is room again: the payments store is open")
			return
		}
		if text := err.Error(); !errors.Is(err, payment.ErrFull) && text != said {
			said = text
			a.log.Error("opening the payments store; it is tried again", zap.Error(err))
		}
	}
}

// open opens the store, makes the engine and starts the worker.
func (a *App) open(ctx context.Context) error {
	store, release, err := a.opener.Open(ctx, a.log)
	if err != nil {
		return fmt.Errorf("opening the payments store: %w", err)
	}
	mod, _, err := runtimes.LoadOrNew(store.Owner(), func() (caddy.Destructor, error) {
		return runtime{engine.NewShared(), new(signers)}, nil
	})
	if err != nil {
		return errors.Join(err, release())
	}
	free := func() error {
		_, err := runtimes.Delete(store.Owner())
		return errors.Join(err, release())
	}
	use, ok := mod.(runtime)
	if !ok {
		return errors.Join(fmt.Errorf("the store's runtime is a %T", mod), free())
	}
	providers := make(map[string]engine.Provider, len(a.providers))
	for name, p := range a.providers {
		providers[name] = engine.Provider{Provider: p.Provider, Timeout: p.timeout, Patience: p.patience, UsedIDs: p.UsedIDs}
	}
	eng, err := engine.New(context.WithoutCancel(ctx), engine.Config{
		Store: store, Providers: providers, Affiliates: a.affiliates, Webhooks: a.hooks,
		Sites: a.sites, Observer: a.teller, Shared: use.Shared,
		Forwarded: a.Forwarded(), Forwards: a.forwards.Load,
		Seal: sealer{func() (*token.Keys, error) { return a.Keys(context.WithoutCancel(ctx)) }},
	})
	if err != nil {
		return errors.Join(err, free())
	}
	// It is read before anybody is served, if the ledger can be read.
	look, over := context.WithTimeout(ctx, keptSoon)
	kept, unkept := keptKey(look, eng, noneKept)
	over()
	a.opened.Lock()
	defer a.opened.Unlock()
	if a.opened.gone {
		return errors.Join(payment.ErrClosed, free())
	}
	a.opened.looked, a.opened.signers = time.Now(), use.signers
	a.opened.keep(kept, unkept)
	for _, key := range use.gone(a.written(), time.Now()) {
		a.log.Warn("a signing_key that signed until now is written no more: the buyers' cookies, links and return addresses that it made count no more, and their customers are asked to pay again; write it as a second line, unless somebody else knows it", zap.String("key", key))
	}
	a.engine, a.release = eng, free
	go eng.Run(ctx)
	go a.teller.run(ctx)
	return nil
}
