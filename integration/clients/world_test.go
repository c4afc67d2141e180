package clients_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// hosts are the names that the clients call, by gateway.
var hosts = map[string][]string{
	"zarinpal": {"payment.zarinpal.com", "api.zarinpal.com", "www.zarinpal.com", "zarinpal.com", "sandbox.zarinpal.com"},
	"zibal":    {"gateway.zibal.ir", "gateway.zibal.io"},
}

// world is one Caddy in the gateways' place, and a shop for each client.
type world struct {
	t     *testing.T
	box   *sandbox.Server
	caddy *harness.Caddy
	shops map[string]*shop
}

type shop struct {
	w               *world
	client, gateway string
	// site is its public address; own is Node's.
	site, own string
	port      int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	packages := installed(t)
	box, boxURL := harness.Sandbox(t, sandbox.Options{})
	w := &world{t: t, box: box, shops: make(map[string]*shop)}
	certs, port := t.TempDir(), strconv.Itoa(harness.Port(t))
	var text strings.Builder
	text.WriteString(`{
	admin {{admin}}
	auto_https off
	payments {
		storage badger ledger
		signing_key {env.SIGNING_KEY}
		provider zarinpal {
			merchant_id {env.API_KEY}
			base_url ` + boxURL + `/zarinpal
		}
		provider zibal {
			merchant {env.API_KEY}
			base_url ` + boxURL + `/zibal
		}
	}
}
`)
	for gateway, names := range hosts {
		dir := filepath.Join(certs, gateway)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(harness.Binary(t), "payments", "relay-cert", gateway, "--dir", dir).CombinedOutput(); err != nil { //nolint:gosec // test
			t.Fatalf("%v: %s", err, out)
		}
		for i, name := range names {
			if i > 0 {
				text.WriteString(", ")
			}
			text.WriteString("https://" + name + ":" + port)
		}
		text.WriteString(" {\n\ttls " + dir + "/relay.crt " + dir + "/relay.key\n\tpayment_relay " + gateway + "\n}\n")
	}
	for client, gateway := range map[string]string{"zarinpal-checkout": "zarinpal", "zarinpal-node-sdk": "zarinpal", "zibal": "zibal"} {
		s := &shop{w: w, client: client, gateway: gateway, site: harness.Site(t), port: harness.Port(t)}
		s.own = "http://127.0.0.1:" + strconv.Itoa(s.port)
		w.shops[client] = s
		text.WriteString(s.site + " {\n\tpayments {\n\t\tobserve /back " + gateway + " {\n\t\t\trefused redirect /cart*\n\t\t}\n\t}\n\treverse_proxy " + s.own + "\n}\n")
	}
	w.caddy = harness.Start(t, text.String(), harness.Environment()...)
	for _, s := range w.shops {
		s.run(packages, filepath.Join(certs, s.gateway, "relay.crt"), port)
	}
	return w
}

// run starts the shop's own process.
func (s *shop) run(packages, cert, port string) {
	s.w.t.Helper()
	cmd := exec.Command(harness.Need(s.w.t, "node"), "--require", "./testdata/hosts.cjs", "testdata/shop.cjs")
	cmd.Env = append(os.Environ(),
		"CLIENT="+s.client, "CLIENTS="+packages, "MERCHANT="+harness.APIKey, "ORIGIN="+s.site, "PORT="+strconv.Itoa(s.port), "PATIENCE=1500",
		"LEAD="+strings.Join(hosts[s.gateway], ","), "LEAD_PORT="+port, "NODE_EXTRA_CA_CERTS="+cert)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		s.w.t.Fatal(err)
	}
	s.w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if s.w.t.Failed() {
			s.w.t.Logf("%s:\n%s", s.client, log.String())
		}
	})
	harness.Wait(s.w.t, s.client+" serves", 20*time.Second, func() bool {
		res, err := http.Get(s.own + "/said")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// start presses Pay and returns the provider's id.
func (s *shop) start(order string) string {
	s.w.t.Helper()
	p := harness.NewBrowser(s.w.t).Get(s.site + "/pay?order=" + order)
	if p.Status != http.StatusFound {
		s.w.t.Fatalf("%s started nothing: %d %s", s.client, p.Status, p.Body)
	}
	id := path.Base(p.Header.Get("Location"))
	if got := s.state(id); got != "created" {
		s.w.t.Fatalf("%s: the create is no intent: %q", s.client, got)
	}
	return id
}

func (s *shop) act(id, action string) *sandbox.Return {
	s.w.t.Helper()
	acted, err := s.w.box.Act(id, action)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return acted.Return
}

// comes brings the customer back and returns where the shop sends them.
func (s *shop) comes(ret *sandbox.Return) string {
	s.w.t.Helper()
	return harness.NewBrowser(s.w.t).Get(ret.URL).Header.Get("Location")
}

// calls has the shop call one of the client's other functions.
func (s *shop) calls(name, id string) (status int, said string) {
	s.w.t.Helper()
	res, err := http.Get(s.own + "/" + name + "?id=" + id)
	if err != nil {
		s.w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// credited is how often an order was credited.
func (s *shop) credited(order string) (n int) {
	s.w.t.Helper()
	_, text := s.calls("said", "")
	var all []string
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		s.w.t.Fatal(err)
	}
	for _, o := range all {
		if o == order {
			n++
		}
	}
	return n
}

func (s *shop) state(id string) string {
	s.w.t.Helper()
	res, err := http.Get("http://" + s.w.caddy.Admin + "/payments/list")
	if err != nil {
		s.w.t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct {
		Payments []struct{ ID, State string } `json:"payments"`
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		s.w.t.Fatal(err)
	}
	i := slices.IndexFunc(page.Payments, func(p struct{ ID, State string }) bool { return p.ID == id })
	if i < 0 {
		return ""
	}
	return page.Payments[i].State
}

func (s *shop) wait(id, state string) {
	s.w.t.Helper()
	last := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = s.state(id); last == state {
			return
		}
	}
	s.w.t.Fatalf("%s: %s is %s, not %s", s.client, id, last, state)
}

func (s *shop) fault(f sandbox.Fault) {
	s.w.t.Helper()
	f.Provider, f.Operation, f.Count = s.gateway, sandbox.OpVerify, 1
	if _, err := s.w.box.SetFault(f); err != nil {
		s.w.t.Fatal(err)
	}
}
