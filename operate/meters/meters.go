// Package meters registers the metrics in Caddy's registry. docs/operating.md lists them;
// examples/monitoring has alert rules and a dashboard for them.
//
// Invariant: a scrape reads memory only. It never waits for the ledger, a provider or
// a shop, and never fails because of one.
package meters

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate/watch"
)

// Meters count for a process: Caddy makes a registry per configuration, and counters
// that began anew with each reload would be useless.
type Meters struct {
	creates, verifications, deliveries, reports, returns, alerts *prometheus.CounterVec

	calls   *prometheus.HistogramVec
	commits prometheus.Counter
	commit  prometheus.Histogram
	gauges  *gauges
}

// KindDropped is the kind of alert that events were not handed to the handlers of the
// events app.
const KindDropped = "events_dropped"

const namespace, subsystem = "caddy", "payments"

func opts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), labels)
}

func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: buckets}
}

// New makes the meters; what waits, the providers and the ledger are read from w.
func New(w *watch.Watch) *Meters {
	return &Meters{
		creates:       counter("creates_total", "Payments that providers were asked to start, by outcome.", "provider", "outcome"),
		verifications: counter("verifications_total", "Payments by what came of asking their provider; each is counted once per outcome.", "provider", "outcome"),
		deliveries:    counter("deliveries_total", "Payments by what came of handing them to their shop; each is counted once per outcome.", "outcome", "via"),
		reports:       counter("reports_total", "Reports to affiliates and webhooks, by outcome.", "to", "outcome"),
		returns:       counter("returns_total", "Customers' returns from the bank, by how they were answered.", "kind"),
		alerts:        counter("alerts_total", "What a person must see. One cause counts once, and again while it lasts.", "kind"),
		calls: prometheus.NewHistogramVec(histogram("provider_duration_seconds", "How long calls to providers took, by operation and outcome.",
			[]float64{.05, .1, .25, .5, 1, 2.5, 5, 8, 15, 30}), []string{"provider", "operation", "outcome"}),
		commits: prometheus.NewCounter(prometheus.CounterOpts(opts("ledger_commits_total", "Changes that the ledger was asked for."))),
		commit: prometheus.NewHistogram(histogram("ledger_commit_duration_seconds", "How long changes took that wait for the disk.",
			[]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5})),
		gauges: newGauges(w),
	}
}

// Register adds the meters to a configuration's registry.
func (m *Meters) Register(reg prometheus.Registerer) error {
	var errs []error
	for _, c := range []prometheus.Collector{m.creates, m.verifications, m.deliveries, m.reports, m.returns, m.alerts, m.calls, m.commits, m.commit, m.gauges} {
		var already prometheus.AlreadyRegisteredError
		if err := reg.Register(c); err != nil && !errors.As(err, &already) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Prepare makes every series that an alarm looks at, with 0: an increase of one that
// appears as 1 is 0, and the first incident of each kind would be missed.
func (m *Meters) Prepare(providers, receivers []string) {
	for _, p := range providers {
		for _, o := range engine.CreateOutcomes() {
			m.creates.WithLabelValues(p, o)
			if o != engine.CreateBusy { // it was not asked
				m.calls.WithLabelValues(p, engine.OperationCreate, o)
			}
		}
		for _, o := range engine.VerifyOutcomes() {
			m.verifications.WithLabelValues(p, o)
		}
		for _, operation := range []string{engine.OperationVerify, engine.OperationInquire} {
			for _, o := range engine.CallOutcomes() {
				m.calls.WithLabelValues(p, operation, o)
			}
		}
	}
	for _, o := range engine.DeliveryOutcomes() {
		for _, via := range vias {
			m.deliveries.WithLabelValues(o, via)
		}
	}
	for _, to := range receivers {
		for _, o := range engine.ReportOutcomes() {
			m.reports.WithLabelValues(to, o)
		}
	}
	for _, kind := range engine.ReturnKinds() {
		m.returns.WithLabelValues(kind)
	}
	for _, kind := range append(engine.Alarms(), KindDropped) {
		m.alerts.WithLabelValues(kind)
	}
}

// Observe counts what an event says.
func (m *Meters) Observe(e engine.Event) {
	provider := e.Provider
	if e.Record != nil {
		provider = e.Record.Provider
	}
	switch e.Name {
	case engine.EventAsked:
		m.calls.WithLabelValues(provider, e.Operation, e.Outcome).Observe(e.Took.Seconds())
	case engine.EventStarting:
		m.creates.WithLabelValues(provider, e.Outcome).Inc()
		if e.Outcome != engine.CreateBusy {
			m.calls.WithLabelValues(provider, e.Operation, e.Outcome).Observe(e.Took.Seconds())
		}
	case engine.EventCounted:
		m.verifications.WithLabelValues(provider, e.Outcome).Inc()
	case engine.EventHanded:
		m.deliveries.WithLabelValues(e.Outcome, string(e.Record.Delivery.Via)).Inc()
	}
	if kind := engine.ReturnKind(e); kind != "" {
		m.returns.WithLabelValues(kind).Inc()
	}
	if to, outcome := engine.ReportOf(e); outcome != "" {
		m.reports.WithLabelValues(to, outcome).Inc()
	}
}

// Alert counts what a person must see.
func (m *Meters) Alert(kind string) { m.alerts.WithLabelValues(kind).Inc() }

// Committed implements engine.Timer.
func (m *Meters) Committed(took time.Duration, synced bool, _ error) {
	m.commits.Inc()
	if synced {
		m.commit.Observe(took.Seconds())
	}
}

// Interface guard.
var _ engine.Timer = (*Meters)(nil)
