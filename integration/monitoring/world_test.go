// Package monitoring lives through the bad days of a shop: what its operator is told on
// each, by doctor, by status and by the alarms of examples/monitoring in a real
// Prometheus, and that it ends when the day does.
package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/metrics"
	"go.uber.org/zap"

	_ "github.com/rahgir/caddy-payments"
	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// ledger is one that its test can fill up.
type ledger struct{}

var theLedger struct {
	sync.Mutex
	*memory.Store
}

func init() { caddy.RegisterModule(ledger{}) }

func (ledger) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.storage.test_monitored", New: func() caddy.Module { return new(ledger) }}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler.
func (ledger) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

// Open implements storage.Opener.
func (ledger) Open(context.Context, *zap.Logger) (payment.Store, func() error, error) {
	theLedger.Lock()
	defer theLedger.Unlock()
	return theLedger.Store, func() error { return nil }, nil
}

// world is a shop with everything around it, in this process.
type world struct {
	t           *testing.T
	site, admin string
	box         *sandbox.Server
	up          *httptest.Server
	prometheus  string
	// people is what the notifier has told.
	people *phone
	// returned is where the last customer came back to.
	returned string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	theLedger.Lock()
	theLedger.Store = memory.New(time.Now)
	theLedger.Unlock()
	w := &world{t: t, people: newPhone(t), site: harness.Site(t), admin: fmt.Sprintf("localhost:%d", harness.Port(t))}
	var boxURL string
	w.box, boxURL = harness.Sandbox(t, sandbox.Options{})
	w.shop()
	text := fmt.Sprintf(`{
	admin %s
	auto_https off
	persist_config off
	payments {
		storage test_monitored
		provider idpay {
			api_key %s
			base_url %s/idpay
			timeout 1s
		}
		affiliate hamekar {
			store_token %s
			base_url %s/hamekar
		}
		notify phone {
			report POST %s/send
			body form text={text}
			every 1s
		}
	}
}
%s {
	basic_auth /desk* {
		sara $2a$04$GunuvS7Eg.UH6EOmXNnqleY13oeu/Lrz/HZYuySYMq5jU43.NoNCK
	}
	payment_dashboard /desk*
	payments {
		checkout /buy idpay {
			item mug 120000toman
		}
		verify /cb idpay {
			expect intent
			deliver idempotent
			absent deliver
		}
	}
	reverse_proxy %s
}
`, w.admin, harness.APIKey, boxURL, harness.StoreToken, boxURL, w.people.URL, w.site, w.up.URL)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	w.must(err)
	w.must(caddy.Load(config, true))
	t.Cleanup(func() { _ = caddy.Stop() })
	return w
}

// shop begins to answer, where it answered before.
func (w *world) shop() {
	w.t.Helper()
	address := "127.0.0.1:0"
	if w.up != nil {
		address = w.up.Listener.Addr().String()
	}
	l, err := net.Listen("tcp", address)
	w.must(err)
	w.up = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "thank you") }))
	_ = w.up.Listener.Close()
	w.up.Listener = l
	w.up.Start()
	w.t.Cleanup(w.up.Close)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

var client = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// press presses Pay and says where that leads.
func (w *world) press() (status int, to string) {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodPost, w.site+"/buy/mug", nil)
	w.must(err)
	req.Header.Set("Origin", w.site)
	res, err := client.Do(req)
	w.must(err)
	_ = res.Body.Close()
	return res.StatusCode, res.Header.Get("Location")
}

// buy pays and comes back from the bank.
func (w *world) buy() (status int) {
	w.t.Helper()
	status, to := w.press()
	if status != http.StatusSeeOther {
		w.t.Fatalf("a press of Pay is answered %d", status)
	}
	acted, err := w.box.Act(path.Base(to), "pay")
	w.must(err)
	w.returned = acted.Return.URL
	return w.again()
}

// again is the last customer's page being loaded again.
func (w *world) again() (status int) {
	w.t.Helper()
	res, err := client.Get(w.returned)
	w.must(err)
	_ = res.Body.Close()
	return res.StatusCode
}

// paid waits until the last customer has what he paid for.
func (w *world) paid() {
	w.t.Helper()
	harness.Wait(w.t, "the payment", 20*time.Second, func() bool {
		time.Sleep(200 * time.Millisecond)
		return w.again() == http.StatusOK
	})
}

func (w *world) fault(f sandbox.Fault) {
	w.t.Helper()
	_, err := w.box.SetFault(f)
	w.must(err)
}

// finding is a line of doctor's or of status'.
type finding struct{ Level, Code, Where, Text string }

// told is what doctor and status say of money, without what is in order.
func (w *world) told() (doctor, status []finding) {
	w.t.Helper()
	var d struct{ Findings []finding }
	var s struct{ Troubles []finding }
	w.ask("doctor", &d)
	w.ask("", &s)
	return d.Findings, s.Troubles
}

func (w *world) ask(route string, into any) {
	w.t.Helper()
	res, err := client.Get("http://" + w.admin + "/payments/" + route)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	if err := json.Unmarshal(text, into); err != nil {
		w.t.Fatalf("%s: %d %s", route, res.StatusCode, text)
	}
}

// metrics is what a scrape reads.
func (w *world) metrics() string {
	w.t.Helper()
	res, err := client.Get("http://" + w.admin + "/metrics")
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("a scrape is answered %d", res.StatusCode)
	}
	return string(text)
}

// example is a file of examples/monitoring.
func example(t *testing.T, name string) string {
	return harness.ReadFile(t, filepath.Join("..", "..", "examples", "monitoring", name))
}

// watch starts a Prometheus that looks often, with the rules of the example in which only
// the times are shorter.
func (w *world) watch() {
	w.t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil && os.Getenv("PAYMENTS_REQUIRE_ALL") == "" {
		w.t.Log("prometheus is not installed: the days are lived through without alarms")
		return
	}
	w.must(err)
	dir := w.t.TempDir()
	rules := strings.NewReplacer("for: 1m", "for: 0s", "> 120", "> 1.5", "[5m]", "[4s]").Replace(example(w.t, "rules.yml"))
	config := fmt.Sprintf(`
global: { scrape_interval: 200ms, evaluation_interval: 200ms }
rule_files: [rules.yml]
scrape_configs: [{ job_name: caddy, static_configs: [{ targets: ["%s"] }] }]
`, w.admin)
	w.must(os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(rules), 0o600))
	w.must(os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600))
	w.prometheus = fmt.Sprintf("127.0.0.1:%d", harness.Port(w.t))
	var log bytes.Buffer
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+w.prometheus, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = &log, &log
	w.must(cmd.Start())
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Log(log.String())
		}
	})
	harness.Wait(w.t, "Prometheus", 20*time.Second, func() bool {
		n, err := w.query(`count(caddy_payments_alerts_total)`)
		return err == nil && n > 0
	})
}

func (w *world) query(q string) (int, error) {
	var got struct {
		Data struct{ Result []json.RawMessage }
	}
	res, err := client.Get("http://" + w.prometheus + "/api/v1/query?query=" + q)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return 0, err
	}
	return len(got.Data.Result), nil
}

// firing are the alarms that are raised.
func (w *world) firing() (names []string) {
	w.t.Helper()
	if w.prometheus == "" {
		return nil
	}
	var got struct {
		Data struct {
			Alerts []struct {
				State  string
				Labels struct {
					Name string `json:"alertname"`
				}
			}
		}
	}
	res, err := client.Get("http://" + w.prometheus + "/api/v1/alerts")
	w.must(err)
	defer res.Body.Close()
	w.must(json.NewDecoder(res.Body).Decode(&got))
	for _, a := range got.Data.Alerts {
		if a.State == "firing" && !slices.Contains(names, a.Labels.Name) {
			names = append(names, a.Labels.Name)
		}
	}
	slices.Sort(names)
	return names
}

var errNoRoom = fmt.Errorf("%w for new payments: less than 256 MiB free", payment.ErrFull)

func (w *world) noRoom(full bool) {
	theLedger.Lock()
	defer theLedger.Unlock()
	if full {
		theLedger.Break(errNoRoom)
		return
	}
	theLedger.Break(nil)
}

// Interface guards.
var (
	_ storage.Opener        = ledger{}
	_ caddyfile.Unmarshaler = ledger{}
)
