package app

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate/meters"
	"github.com/rahgir/caddy-payments/operate/watch"
)

// The watch and the meters are the process's: a reload must not forget what is
// wrong, and counters that began anew with it would be useless.
var (
	processWatch  = watch.New(nil)
	processMeters = sync.OnceValue(func() *meters.Meters { return meters.New(processWatch) })
)

// registerMeters puts the meters into a configuration's registry.
func registerMeters(reg *prometheus.Registry, log *zap.Logger) *meters.Meters {
	m := processMeters()
	if reg == nil {
		return m
	}
	if err := m.Register(reg); err != nil {
		log.Warn("registering metrics", zap.Error(err))
	}
	return m
}

// lookEvery is how often the ledger is measured and what waits in it is counted. It
// happens beside everything else: neither a payment nor a scrape waits for it.
const lookEvery = 10 * time.Second

// watchOver looks after the ledger until the configuration ends. While the store is
// not open, it says why.
func (a *App) watchOver(ctx context.Context) {
	every := cmp.Or(a.lookEvery, lookEvery)
	for {
		took := a.look(ctx)
		// A ledger that takes long to read is read less often.
		timer := time.NewTimer(max(every, 20*took))
		select {
		case <-ctx.Done():
			timer.Stop()
			a.remember()
			return
		case <-timer.C:
		}
	}
}

func (a *App) look(ctx context.Context) time.Duration {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a.opened.Lock()
	eng, err := a.engine, a.opened.err
	a.opened.Unlock()
	if eng == nil {
		processWatch.Look(ctx, nil, err)
		a.tellLedger()
		return time.Since(start)
	}
	a.Enter()
	defer a.Leave()
	if err := processMemory.recall(ctx, eng.Store, processWatch, start); err != nil && ctx.Err() == nil {
		a.log.Debug("what an earlier process knew of providers and shops is lost", zap.Error(err))
	}
	processWatch.Look(ctx, eng.Store, nil)
	a.tellLedger()
	if err := processWatch.Recount(ctx, eng.Store); err != nil && ctx.Err() == nil {
		a.log.Debug("counting what waits", zap.Error(err))
	}
	a.remember()
	return time.Since(start)
}

// tellLedger tells if the ledger has no room any more, or soon will have none.
func (a *App) tellLedger() {
	if a.teller == nil || len(a.teller.notifiers) == 0 {
		return
	}
	if turned, ok := processWatch.LedgerTurn(); ok {
		a.teller.tellTurn(turned)
	}
}

// startWatching makes every series and begins to look.
func (a *App) startWatching(ctx context.Context) {
	processWatch.Keep(a.ProviderNames())
	receivers := slices.AppendSeq(slices.Collect(maps.Keys(a.affiliates)), maps.Keys(a.hooks))
	a.observer.meters.Prepare(a.ProviderNames(), receivers)
	go a.watchOver(ctx)
}

// silent reports whether an event is only counted.
func silent(e engine.Event) bool {
	switch e.Name {
	case engine.EventReturned, engine.EventHanded, engine.EventCounted:
		return true
	}
	return false
}
