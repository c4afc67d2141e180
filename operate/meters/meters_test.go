package meters

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate/watch"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// stuck is a ledger that never answers.
type stuck struct{ *memory.Store }

func (stuck) List(ctx context.Context, _ payment.Listing) (payment.Page, error) {
	<-ctx.Done()
	return payment.Page{}, ctx.Err()
}

// A scrape never waits for the ledger nor fails because of it; every series of an alarm is
// there with 0, twice registered or not.
func TestScrape(t *testing.T) {
	w := watch.New(nil)
	m := New(w)
	w.Keep([]string{"p", "q"})
	m.Prepare([]string{"p", "q"}, []string{"net"})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Recount(ctx, stuck{memory.New(time.Now)})
	}()
	for range 2 { // a reload makes a registry of its own
		reg := prometheus.NewRegistry()
		if err := m.Register(reg); err != nil {
			t.Fatal(err)
		}
		if err := m.Register(reg); err != nil {
			t.Fatal(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		series := make(map[string]int)
		for _, f := range families {
			series[f.GetName()] = len(f.GetMetric())
		}
		for name, want := range map[string]int{
			"creates_total": 2 * 5, "verifications_total": 2 * 7, "deliveries_total": 4 * 4, "reports_total": 4,
			"provider_duration_seconds": 2 * (4 + 2*len(engine.CallOutcomes())), "returns_total": len(engine.ReturnKinds()), "alerts_total": len(engine.Alarms()) + 1,
			"waiting": 2 * len(watch.States()), "oldest_waiting_seconds": len(watch.States()), "provider_up": 2, "ledger_free_bytes": 0, "ledger_commits_total": 1,
		} {
			if got := series["caddy_payments_"+name]; got != want {
				t.Errorf("%s has %d series at the start, want %d", name, got, want)
			}
		}
		if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
			t.Errorf("%v %v", problems, err)
		}
	}
	cancel()
	<-done
}

func TestCounts(t *testing.T) {
	m := New(watch.New(nil))
	r := &payment.Record{Provider: "p", Delivery: payment.Delivery{Via: payment.ViaWorker}}
	for _, e := range []engine.Event{
		{Name: engine.EventStarting, Provider: "p", Operation: engine.OperationCreate, Outcome: engine.CreateUnreachable, Took: time.Second},
		{Name: engine.EventStarting, Provider: "p", Operation: engine.OperationCreate, Outcome: engine.CreateBusy},
		{Name: engine.EventCounted, Record: r, Outcome: engine.VerifyPaid},
		{Name: engine.EventHanded, Record: r, Outcome: engine.DeliveryUnsent},
		{Name: engine.EventReturned, Provider: "p", Outcome: "duplicate"},
		{Name: engine.EventMalformed},
		{Name: engine.EventAsked, Record: r, Operation: engine.OperationVerify, Outcome: engine.VerifyPaid},
	} {
		m.Observe(e)
	}
	m.Committed(time.Millisecond, true, nil)
	m.Committed(time.Millisecond, false, nil)
	for got, want := range map[prometheus.Collector]string{
		m.creates:       `caddy_payments_creates_total{outcome="busy",provider="p"} 1` + "\n" + `caddy_payments_creates_total{outcome="unreachable",provider="p"} 1`,
		m.verifications: `caddy_payments_verifications_total{outcome="paid",provider="p"} 1`,
		m.deliveries:    `caddy_payments_deliveries_total{outcome="unsent",via="worker"} 1`,
		m.returns:       `caddy_payments_returns_total{kind="duplicate"} 1` + "\n" + `caddy_payments_returns_total{kind="malformed"} 1`,
		m.commits:       `caddy_payments_ledger_commits_total 2`,
	} {
		name := want[:strings.IndexAny(want, "{ ")]
		text, err := testutil.CollectAndFormat(got, expfmt.TypeTextPlain, name)
		var lines []string
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		if err != nil || strings.Join(lines, "\n") != want {
			t.Errorf("%v\n%s\nwant\n%s", err, strings.Join(lines, "\n"), want)
		}
	}
	if n := testutil.CollectAndCount(m.calls); n != 2 {
		t.Errorf("%d histograms of calls, want create and verify", n)
	}
}
