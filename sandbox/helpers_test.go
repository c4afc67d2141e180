package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	sampleKey      = "6a7f99eb-7c20-4412-a972-6dfb7cd253a4"
	sampleMerchant = "GXyXvV72.woCX6cvclOvIvFB0KkR5OUbLMadMlIqg"
)

// fakeClock is a clock that only moves when it is told to.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) set(unix int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = time.Unix(unix, 0)
}

// rig is a sandbox behind real HTTP.
type rig struct {
	*testing.T
	sb     *Server
	srv    *httptest.Server
	clock  *fakeClock
	client *http.Client
}

func newRig(t *testing.T, opts Options) *rig {
	t.Helper()
	clock := &fakeClock{now: time.Unix(1546288200, 0)}
	opts.Now = clock.Now
	sb, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sb)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { sb.ClearFaults() })
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &rig{T: t, sb: sb, srv: srv, clock: clock, client: client}
}

// got is a response that was read.
type got struct {
	status int
	header http.Header
	body   string
}

func (g got) json(t *testing.T) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(g.body))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		t.Fatalf("not JSON: %v: %.200s", err, g.body)
	}
	return m
}

func (r *rig) try(method, path, body string, header ...string) (got, error) {
	target := path
	if !strings.HasPrefix(path, "http") {
		target = r.srv.URL + path
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		return got{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return got{res.StatusCode, res.Header, string(b)}, err
}

func (r *rig) do(method, path, body string, header ...string) got {
	r.Helper()
	g, err := r.try(method, path, body, header...)
	if err != nil {
		r.Fatal(err)
	}
	return g
}

func (r *rig) idpay(path, body string, header ...string) got {
	r.Helper()
	h := append([]string{"Content-Type", "application/json", "X-API-KEY", sampleKey, "X-SANDBOX", "1"}, header...)
	return r.do("POST", "/idpay/v1.1/"+path, body, h...)
}

func (r *rig) idpayNew(order, amount string) (id, link string) {
	r.Helper()
	g := r.idpay("payment", `{"order_id":"`+order+`","amount":`+amount+`,"callback":"http://shop.test/cb?wc-api=idpay"}`)
	if g.status != 201 {
		r.Fatalf("create: %d %s", g.status, g.body)
	}
	m := g.json(r.T)
	return m["id"].(string), m["link"].(string)
}

func (r *rig) idpayAsk(op, id, order string) got {
	r.Helper()
	return r.idpay("payment/"+op, `{"id":"`+id+`","order_id":"`+order+`"}`)
}

func (r *rig) sama(op, body string) got {
	r.Helper()
	return r.do("POST", "/sama/api/pg/v2/payment/"+op+".json/", body, "Content-Type", "application/json")
}

func (r *rig) form(path string, values url.Values) got {
	r.Helper()
	return r.do("POST", path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func (r *rig) click(link, action string) got {
	r.Helper()
	return r.form(link, url.Values{"action": {action}})
}

func (r *rig) control(method, path, body string) got {
	r.Helper()
	return r.do(method, "/_control/"+path, body, "Content-Type", "application/json")
}

func (r *rig) fault(body string) {
	r.Helper()
	if g := r.control("POST", "faults", body); g.status != 200 {
		r.Fatalf("fault %s: %d %s", body, g.status, g.body)
	}
}

func (r *rig) payment(id string) Payment {
	r.Helper()
	l := r.sb.Ledger("", id, "")
	if len(l.Payments) != 1 {
		r.Fatalf("payment %s: %d in ledger", id, len(l.Payments))
	}
	return l.Payments[0]
}

// fixture is a sample of a provider's document, without its white space.
func fixture(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := json.Compact(&buf, raw); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func (r *rig) want(g got, status int, body string) {
	r.Helper()
	if g.status != status || g.body != body {
		r.Errorf("got %d %s\nwant %d %s", g.status, g.body, status, body)
	}
}

func (r *rig) wantError(g got, status int, code string) {
	r.Helper()
	if g.status != status || text(g.json(r.T)["error_code"]) != code {
		r.Errorf("got %d %s, want %d with code %s", g.status, g.body, status, code)
	}
}
