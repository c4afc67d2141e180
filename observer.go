package payments

import (
	"context"
	"errors"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/engine"
)

// observer turns the engine's events into log lines, metrics and events of
// Caddy's events app. Nothing in them is secret: ids and orders are the shop's
// own, cards are masked and left out all the same.
type observer struct {
	log     *zap.Logger
	metrics *metrics

	mu     sync.RWMutex
	ctx    caddy.Context
	events *caddyevents.App
}

func newObserver(ctx caddy.Context, log *zap.Logger) *observer {
	o := &observer{log: log, metrics: registerMetrics(ctx.GetMetricsRegistry())}
	if app, err := ctx.AppIfConfigured("events"); err == nil {
		o.events, _ = app.(*caddyevents.App)
	}
	// A payment outlives the configuration that began it: its events must not
	// be dropped because the module's context was cancelled.
	o.ctx = ctx
	o.ctx.Context = context.WithoutCancel(ctx.Context)
	return o
}

// detach keeps a replaced configuration from emitting into handlers that are
// cleaned up; logs and metrics go on.
func (o *observer) detach() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = nil
}

// Observe implements engine.Observer.
func (o *observer) Observe(e engine.Event) {
	o.metrics.count(e)
	level := zapcore.InfoLevel
	switch {
	case e.Alert:
		level = zapcore.WarnLevel
	case e.Name == engine.EventAsked || e.Name == engine.EventDelivering || e.Name == engine.EventCreated:
		level = zapcore.DebugLevel
	}
	if e.Name == engine.EventStore || e.Name == engine.EventPaused {
		level = zapcore.ErrorLevel
	}
	if ce := o.log.Check(level, e.Name); ce != nil {
		ce.Write(fields(e)...)
	}
	o.emit(e)
}

func fields(e engine.Event) []zap.Field {
	fs := make([]zap.Field, 0, 10)
	if r := e.Record; r != nil {
		fs = append(fs, zap.String("ref", string(r.Ref)), zap.String("site", r.Site), zap.String("provider", r.Provider),
			zap.String("id", r.ID), zap.String("order", r.Order), zap.String("state", string(r.State)),
			zap.Int64("amount_rials", int64(r.Price())))
		if r.Reason != "" {
			fs = append(fs, zap.String("reason", string(r.Reason)))
		}
		if r.Code != "" {
			fs = append(fs, zap.String("code", r.Code))
		}
	}
	if e.Took > 0 {
		fs = append(fs, zap.Duration("took", e.Took))
	}
	if e.Err != nil {
		fs = append(fs, zap.Error(e.Err))
	}
	return fs
}

func (o *observer) emit(e engine.Event) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.events == nil || !o.events.ShouldEmit(e.Name) {
		return
	}
	data := map[string]any{"alert": e.Alert}
	if r := e.Record; r != nil {
		data["ref"], data["site"], data["provider"], data["id"] = string(r.Ref), r.Site, r.Provider, r.ID
		data["order"], data["state"], data["reason"] = r.Order, string(r.State), string(r.Reason)
		data["amount"] = int64(r.Price())
	}
	o.events.Emit(o.ctx, e.Name, data)
}

// metrics are process-wide: Caddy makes a registry per configuration, and
// counters that began anew with each reload would be useless.
type metrics struct {
	events *prometheus.CounterVec
	asked  *prometheus.HistogramVec
}

var processMetrics = sync.OnceValue(func() *metrics {
	return &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "caddy", Subsystem: "payments", Name: "events_total",
			Help: "What happened to payments, by event, provider and reason.",
		}, []string{"event", "provider", "reason"}),
		asked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "caddy", Subsystem: "payments", Name: "provider_seconds",
			Help:    "How long calls to providers took.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 8, 15, 30},
		}, []string{"provider"}),
	}
})

func registerMetrics(reg *prometheus.Registry) *metrics {
	m := processMetrics()
	if reg == nil {
		return m
	}
	for _, c := range []prometheus.Collector{m.events, m.asked} {
		var already prometheus.AlreadyRegisteredError
		if err := reg.Register(c); err != nil && !errors.As(err, &already) {
			caddy.Log().Named("payments").Warn("registering metrics", zap.Error(err))
		}
	}
	return m
}

func (m *metrics) count(e engine.Event) {
	provider, reason := "", ""
	if e.Record != nil {
		provider, reason = e.Record.Provider, string(e.Record.Reason)
	}
	if e.Name == engine.EventAsked {
		m.asked.WithLabelValues(provider).Observe(e.Took.Seconds())
		return
	}
	m.events.WithLabelValues(e.Name, provider, reason).Inc()
}

// Interface guard.
var _ engine.Observer = (*observer)(nil)
