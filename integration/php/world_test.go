package php_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// world is a shop in PHP behind Caddy, and the provider that its customers pay
// at.
type world struct {
	t      *testing.T
	box    *sandbox.Server
	boxURL string
	site   string
	dir    string
	caddy  *harness.Caddy
	// waits are how long pages of orders take before they ask, in ms.
	waits map[string]int
}

// setup is what a test wants to be otherwise. In all texts {{site}}, {{box}},
// {{dir}} (of the shop), {{fpm}} and {{www}} are filled in.
type setup struct {
	// payments is what stands in the site's payments block.
	payments string
	// site replaces the whole site block, before stands before `payments` in it,
	// php inside of php_fastcgi, after behind it.
	site, before, php, after string
	// servers are Caddy's server options, global are edits of the global options, in
	// pairs.
	servers string
	global  []string
	// www is the document root; default testdata/www.
	www     string
	sandbox sandbox.Options
	fpm     *harness.FPM
	// bare, if set, is another site with the same PHP and no guard.
	bare string
	// env are more of Caddy's environment.
	env []string
	// stopped does not start Caddy.
	stopped bool
	// crowd: requests meet in it, so the race detector looks on. See [harness.AsPeopleRun].
	crowd bool
}

const plainSite = `{{site}} {
	root {{www}}
	{{before}}
	payments {
		{{payments}}
	}
	php_fastcgi unix/{{fpm}} {
		env SHOP_DIR {{dir}}
		env PAYMENT_STATUS {http.payments.status}
		env PAYMENT_ID {http.payments.id}
		env PAYMENT_ORDER {http.payments.order}
		env PAYMENT_AMOUNT {http.payments.amount}
		{{php}}
	}
	file_server
	{{after}}
}
`

func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	if s.fpm == nil {
		s.fpm = sharedFPM(t)
	}
	if s.www == "" {
		s.www = "testdata/www"
	}
	www, err := filepath.Abs(s.www)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), site: harness.Site(t)}
	w.box, w.boxURL = harness.Sandbox(t, s.sandbox)
	if s.site == "" {
		s.site = plainSite
	}
	fill := strings.NewReplacer(
		"{{payments}}", s.payments, "{{before}}", s.before, "{{php}}", s.php, "{{after}}", s.after)
	site := strings.NewReplacer("{{site}}", w.site, "{{box}}", w.boxURL, "{{dir}}", w.dir, "{{fpm}}", s.fpm.Socket, "{{www}}", www).
		Replace(fill.Replace(s.site))
	if s.bare != "" {
		site += strings.Replace(bareSite(site), w.site, s.bare, 1)
	}
	global := strings.ReplaceAll(strings.NewReplacer(s.global...).Replace(harness.Global(w.boxURL)), "{{box}}", w.boxURL)
	if s.servers != "" {
		global = strings.Replace(global, "auto_https off", "auto_https off\n\tservers {\n"+s.servers+"\n\t}", 1)
	}
	w.caddy = harness.New(t, global+site, append(harness.Environment(), s.env...)...)
	if s.crowd {
		w.caddy.Bin = harness.Binary(t)
	}
	if !s.stopped {
		w.caddy.Start()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("php-fpm's log:\n%s", s.fpm.Log())
		}
	})
	return w
}

// bareSite is a site block without its payments block.
func bareSite(site string) string {
	head, rest, _ := strings.Cut(site, "\tpayments {")
	_, tail, _ := strings.Cut(rest, "\tphp_fastcgi")
	return head + "\tphp_fastcgi" + tail
}

// seen is one run of a PHP page.
type seen struct {
	Server  map[string]any    `json:"server"`
	Get     any               `json:"get"`
	Post    any               `json:"post"`
	Request any               `json:"request"`
	Cookie  any               `json:"cookie"`
	Session any               `json:"session"`
	Headers map[string]string `json:"headers"`
	Input   string            `json:"input"`
}

// text is an entry of $_SERVER.
func (s seen) text(name string) string {
	v, ok := s.Server[name]
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

// payment are all entries of $_SERVER that PHP could take for ours.
func (s seen) payment() map[string]string {
	ours := make(map[string]string)
	for name, value := range s.Server {
		if strings.HasPrefix(harness.Fold(name)+"_", "HTTP_X_PAYMENT_") {
			ours[name] = fmt.Sprint(value)
		}
	}
	return ours
}

func (w *world) lines(name string) []string {
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// seen are all runs so far.
func (w *world) seen() []seen {
	w.t.Helper()
	var all []seen
	for _, line := range w.lines("seen") {
		var s seen
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			w.t.Fatalf("%v in %s", err, line)
		}
		all = append(all, s)
	}
	return all
}

// last is the only run since the log was last forgotten.
func (w *world) last() seen {
	w.t.Helper()
	all := w.seen()
	if len(all) != 1 {
		w.t.Fatalf("PHP ran %d times", len(all))
	}
	w.forget()
	return all[0]
}

func (w *world) forget() { _ = os.Remove(filepath.Join(w.dir, "seen")) }

// credits is what the shop has credited: "provider id delivery".
func (w *world) credits() []string { return w.lines("credits") }

// behave tells PHP what to do from now on.
func (w *world) behave(how map[string]any) {
	w.t.Helper()
	text, err := json.Marshal(how)
	if err != nil {
		w.t.Fatal(err)
	}
	// Renamed, so that PHP never reads half of it.
	name := filepath.Join(w.dir, "behave")
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		w.t.Fatal(err)
	}
}

// create makes a payment at a provider as a shop's own code does.
func (w *world) create(provider, order string, amount int, callback string) string {
	w.t.Helper()
	var body map[string]any
	var path, key string
	switch provider {
	case "idpay":
		path, key = "/idpay/v1.1/payment", "id"
		body = map[string]any{"order_id": order, "amount": amount, "callback": callback}
	case "sama":
		path, key = "/sama/api/pg/v2/payment/request.json/", "authority"
		body = map[string]any{"merchant_id": harness.MerchantID, "amount": amount, "callback_url": callback, "description": "order"}
	default:
		path, key = "/"+provider+"/invoice/request", "invoice_key"
		body = map[string]any{"api_key": harness.APIKey, "amount": amount, "return_url": callback}
	}
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, w.boxURL+path, bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-KEY", harness.APIKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	var out map[string]any
	_ = json.Unmarshal(answer, &out)
	if data, ok := out["data"].(map[string]any); ok {
		out = data
	}
	id, _ := out[key].(string)
	if id == "" {
		w.t.Fatalf("no payment: %s", answer)
	}
	return id
}

// pay makes a payment, pays it, and returns its id and the return.
func (w *world) pay(provider, order string, amount int, path string) (string, *sandbox.Return) {
	w.t.Helper()
	id := w.create(provider, order, amount, w.site+path)
	return id, w.act(id, "pay")
}

func (w *world) act(id, action string) *sandbox.Return {
	w.t.Helper()
	acted, err := w.box.Act(id, action)
	if err != nil {
		w.t.Fatal(err)
	}
	return acted.Return
}

// truth is the provider's own record of a payment.
func (w *world) truth(id string) sandbox.Payment {
	w.t.Helper()
	l := w.box.Ledger("", id, "")
	if len(l.Payments) != 1 {
		w.t.Fatalf("the ledger has %d payments %s", len(l.Payments), id)
	}
	return l.Payments[0]
}

// come brings a browser back and through the bounce of a POST.
func (w *world) come(b *harness.Browser, ret *sandbox.Return) harness.Page {
	w.t.Helper()
	if ret.Method == http.MethodGet {
		return b.Get(ret.URL)
	}
	return w.bounce(b, b.Post(ret.URL, form(ret)))
}

// bounce sends the form that a POST return is answered with.
func (w *world) bounce(b *harness.Browser, p harness.Page) harness.Page {
	w.t.Helper()
	if p.Status != http.StatusOK {
		w.t.Fatalf("the bounce: status %d\n%s", p.Status, p.Body)
	}
	action, fields := p.Form(w.t)
	if fields.Get("payment_bounce") == "" {
		w.t.Fatalf("the bounce's fields: %v", fields)
	}
	return b.Post(action, fields)
}

func form(ret *sandbox.Return) url.Values {
	v := make(url.Values)
	for name, value := range ret.Form {
		v.Set(name, value)
	}
	return v
}

// listed are the payments in Caddy's ledger.
type listed struct {
	Ref, State, Reason, Provider, ID, Order string
}

func (w *world) payments() []listed {
	w.t.Helper()
	res, err := http.Get("http://" + w.caddy.Admin + "/payments/list")
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	var page struct {
		Payments []listed `json:"payments"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		w.t.Fatalf("%v in %s", err, text)
	}
	return page.Payments
}

// state is the state of a provider's payment in Caddy's ledger.
func (w *world) state(id string) string {
	w.t.Helper()
	for _, p := range w.payments() {
		if p.ID == id {
			return p.State
		}
	}
	return ""
}

func (w *world) waitState(id, state string) {
	w.t.Helper()
	w.waitStateFor(id, state, 20*time.Second)
}

func (w *world) waitStateFor(id, state string, most time.Duration) {
	w.t.Helper()
	var got string
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = w.state(id); got == state {
			return
		}
	}
	w.t.Fatalf("payment %s is %s, not %s, for %s", id, got, state, most)
}
