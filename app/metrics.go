package app

import (
	"errors"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
)

// metrics are process-wide: Caddy makes a registry per configuration, and
// counters that began anew with each reload would be useless.
type metrics struct {
	events  *prometheus.CounterVec
	asked   *prometheus.HistogramVec
	dropped prometheus.Counter
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
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "caddy", Subsystem: "payments", Name: "events_dropped_total",
			Help: "Events that were not handed to the handlers of the events app, because these are slower than events come.",
		}),
	}
})

func registerMetrics(reg *prometheus.Registry) *metrics {
	m := processMetrics()
	if reg == nil {
		return m
	}
	for _, c := range []prometheus.Collector{m.events, m.asked, m.dropped} {
		var already prometheus.AlreadyRegisteredError
		if err := reg.Register(c); err != nil && !errors.As(err, &already) {
			caddy.Log().Named("payments").Warn("registering metrics", zap.Error(err))
		}
	}
	return m
}

func (m *metrics) count(e engine.Event) {
	f := factsOf(e)
	if e.Name == engine.EventAsked {
		m.asked.WithLabelValues(f.provider).Observe(e.Took.Seconds())
		return
	}
	m.events.WithLabelValues(e.Name, f.provider, f.reason).Inc()
}
