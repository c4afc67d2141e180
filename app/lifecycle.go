package app

import (
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers"
)

const (
	// gateWait is how long a request waits until the store is open. Apps start in random
	// order, so requests may come before Start has run.
	gateWait = 5 * time.Second
	// linger is how long a replaced configuration stays usable for requests that
	// reached the old server but not yet our handler.
	linger = 10 * time.Second
	// drainExit and drainReload bound the wait for running payments. The next owner resumes
	// those that are interrupted.
	drainExit = 10 * time.Second
	// quietExit is how long hand-overs that run may take, before the listeners close:
	// Docker kills after 10 s.
	quietExit   = 8 * time.Second
	drainReload = 3 * time.Minute
)

// runtimes keeps one engine.Shared per open store of this process, so that a
// reload resets neither limits nor calls in flight.
var runtimes = caddy.NewUsagePool()

// runtime outlives a configuration while its store stays open.
type runtime struct {
	*engine.Shared
	*signers
}

// Destruct implements caddy.Destructor. Nothing needs to be kept.
func (runtime) Destruct() error { return nil }

// placeSites finds out the hosts of each site, which only the whole http configuration tells.
func (a *App) placeSites() error {
	httpApp, err := a.ctx.AppIfConfigured("http")
	if err != nil {
		return nil //nolint:nilerr // no http app, no sites
	}
	app, ok := httpApp.(*caddyhttp.App)
	if !ok {
		return fmt.Errorf("the http app is a %T", httpApp)
	}
	findings, err := a.sites.Place(app)
	for _, f := range findings {
		say := a.log.Warn
		if f.Grave {
			say = a.log.Error
		}
		say(f.Text, zap.String("code", f.Code), zap.String("where", f.Where))
	}
	return err
}

// Stop ends the worker. Requests may still come, so the store stays open until Cleanup, and
// after that until the last request has ended.
func (a *App) Stop() error {
	a.halt()
	a.remember()
	if caddy.Exiting() {
		a.observer.events.queue.Flush(atExit)
	}
	return nil
}

// exiting reports whether the process ends, and not only this configuration.
var exiting = caddy.Exiting

// stopping waits, before any listener closes, for running deliveries while the relay still listens. A reload doesn't need
// that, because the new configuration already serves the relay.
func (a *App) stopping() {
	if !exiting() {
		return
	}
	select {
	case <-a.gate:
	default:
		return // nothing has begun
	}
	a.opened.Lock()
	eng := a.engine
	a.opened.Unlock()
	if eng == nil {
		return
	}
	eng.EndReports()
	ctx, cancel := context.WithTimeout(context.Background(), quietExit)
	defer cancel()
	if err := eng.Quiesce(ctx); err != nil {
		a.log.Warn("stopping while shops are being told; what is cut off is taken up again at the next start", zap.Error(err))
	}
}

// halt ends the worker, or the wait for the store.
func (a *App) halt() {
	a.opened.Lock()
	defer a.opened.Unlock()
	if a.stop != nil {
		a.stop()
	}
}

// Cleanup releases the store when nothing uses it any more.
func (a *App) Cleanup() error {
	if a.listener != nil {
		a.observer.events.leave(a.listener)
	}
	a.halt()
	for _, h := range a.Webhooks {
		_ = h.Cleanup() // it only closes idle connections
	}
	a.opened.Lock()
	a.opened.gone = true // nothing is opened any more
	release := a.release
	a.opened.Unlock()
	if release == nil {
		return nil
	}
	if caddy.Exiting() {
		return a.drain(drainExit, 0)
	}
	go func() {
		if err := a.drain(drainReload, linger); err != nil {
			caddy.Log().Named("payments").Warn("releasing the store of a replaced configuration", zap.Error(err))
		}
	}()
	return nil
}

func (a *App) drain(most, quiet time.Duration) error {
	time.Sleep(quiet)
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	for a.active.Load() > 0 && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	if a.engine != nil {
		if exiting() {
			a.engine.EndReports()
		}
		if err := a.engine.Close(ctx); err != nil {
			a.log.Warn("work was interrupted: a payment, or a message to a webhook, a network or notify that had no answer yet; it resumes at the next start", zap.Error(err))
		}
	}
	return a.release()
}

// Engine implements handlers.App.
func (a *App) Engine(ctx context.Context) (*engine.Engine, error) {
	select {
	case <-a.gate:
	default:
		timer := time.NewTimer(gateWait)
		defer timer.Stop()
		select {
		case <-a.gate:
		case <-timer.C:
			return nil, handlers.ErrNotOpen
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	a.opened.Lock()
	defer a.opened.Unlock()
	if a.opened.err != nil {
		return nil, fmt.Errorf("%w: %w", handlers.ErrNotOpen, a.opened.err)
	}
	return a.engine, nil
}

// Interface guard.
var _ caddy.Destructor = runtime{}
