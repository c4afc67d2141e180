package meters

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rahgir/caddy-payments/operate/watch"
	"github.com/rahgir/caddy-payments/payment"
)

// gauges are what is so now.
type gauges struct {
	watch *watch.Watch

	waiting, oldest, up, bytes, free, generation, nodes *prometheus.Desc
}

func newGauges(w *watch.Watch) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
	}
	return &gauges{
		watch:      w,
		waiting:    desc("waiting", "Payments that wait for a person (review, parked, owed, refund) or for an answer of provider or shop.", "state", "provider"),
		oldest:     desc("oldest_waiting_seconds", "How long the payment that waits longest in a state has waited; 0 where none does.", "state"),
		up:         desc("provider_up", "Whether the provider takes our key and answers what it is asked.", "provider"),
		bytes:      desc("ledger_bytes", "How large the ledger is, where that is known."),
		free:       desc("ledger_free_bytes", "How much may be written before new payments are refused; 0 while they are refused, for whatever reason; +Inf where no limit is known."),
		generation: desc("ledger_generation", "The ledger's generation: above 1, it was lost, restored or moved."),
		nodes:      desc("nodes", "Nodes that work on the ledger."),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.waiting, g.oldest, g.up, g.bytes, g.free, g.generation, g.nodes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	providers := g.watch.Providers()
	counts, oldest := g.watch.Waiting()
	for name, p := range providers {
		up := 0.0
		if p.Up() {
			up = 1
		}
		gauge(g.up, up, name)
		for _, st := range watch.States() {
			counts[watch.Key{State: st, Provider: name}] += 0 // where none waits, too, there is a series
		}
	}
	for k, n := range counts {
		gauge(g.waiting, float64(n), string(k.State), k.Provider)
	}
	now := time.Now()
	for _, st := range watch.States() {
		age := 0.0
		if since, ok := oldest[st]; ok {
			age = max(0, now.Sub(since).Seconds())
		}
		gauge(g.oldest, age, string(st))
	}
	l := g.watch.Ledger()
	if l.Seen.IsZero() {
		return // it was never looked at: nothing is claimed
	}
	if l.Bytes >= 0 {
		gauge(g.bytes, float64(l.Bytes))
	}
	free := float64(l.Room)
	if l.Room < 0 {
		free = math.Inf(1)
	}
	gauge(g.free, free)
	gauge(g.generation, float64(l.Generation))
	gauge(g.nodes, float64(l.Nodes))
}

// vias are all ways in which a payment may reach its shop.
var vias = []string{string(payment.ViaBrowser), string(payment.ViaWorker), string(payment.ViaRelay), string(payment.ViaObserved)}

// Interface guard.
var _ prometheus.Collector = (*gauges)(nil)
