// Package returns_test tries what a customer's return may be and what it leads
// to: everything else than a confirmed payment ends without credit.
package returns_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// world is one Caddy in front of several shops, beside one sandbox.
type world struct {
	*harness.Caddy
	t    *testing.T
	box  *sandbox.Server
	url  string
	text string
	env  []string
}

// newWorld prepares a world with every provider at its sandbox; more are lines
// for the payments block of the global options.
func newWorld(t *testing.T, o sandbox.Options, more string) *world {
	t.Helper()
	box, boxURL := harness.Sandbox(t, o)
	global := harness.Global(boxURL)
	if more != "" {
		global = strings.Replace(global, "\t\tprovider sama {", more+"\n\t\tprovider sama {", 1)
	}
	return &world{t: t, box: box, url: boxURL, text: global, env: harness.Environment()}
}

// site adds a site in front of a shop of its own. SHOP, SITE and SANDBOX stand
// for their addresses in the block.
func (w *world) site(block string) (string, *harness.Shop) {
	w.t.Helper()
	shop, site := harness.NewShop(w.t), harness.Site(w.t)
	w.text += strings.NewReplacer("SHOP", shop.URL, "SITE", site, "SANDBOX", w.url).Replace(site + " {\n" + block + "\n}\n")
	return site, shop
}

// plain is a site with a verify route and a proxy behind it.
func (w *world) plain(verify string) (string, *harness.Shop) {
	w.t.Helper()
	return w.site("payments {\n" + verify + "\n}\nreverse_proxy SHOP")
}

// behindProxy lets requests say by X-Forwarded-For whose they are.
func (w *world) behindProxy() {
	w.text = strings.Replace(w.text, "\tauto_https off\n", "\tauto_https off\n\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32 ::1/128\n\t}\n", 1)
}

// said waits for a line of the log about an event that has all these words in it.
func (w *world) said(event string, words ...string) bool {
	words = append(words, `"`+event+`"`)
	for range 50 {
		for line := range strings.Lines(w.Log()) {
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
				return true
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

func (w *world) start() {
	w.t.Helper()
	w.Caddy = harness.Start(w.t, w.text, w.env...)
}

// bill is a payment that was made at the sandbox.
type bill struct {
	Provider, ID, Order, Link string
	Amount                    int64
}

// create starts a payment at the sandbox as a shop does.
func create(base, provider, order string, amount int64, callback string) (bill, error) {
	b := bill{Provider: provider, Order: order, Amount: amount}
	var req *http.Request
	var err error
	switch provider {
	case "idpay":
		body, _ := json.Marshal(map[string]any{"order_id": order, "amount": amount, "callback": callback})
		if req, err = http.NewRequest(http.MethodPost, base+"/idpay/v1.1/payment", bytes.NewReader(body)); err != nil {
			return b, err
		}
		req.Header.Set("X-API-KEY", harness.APIKey)
		req.Header.Set("Content-Type", "application/json")
	case "sama":
		body, _ := json.Marshal(map[string]any{"merchant_id": harness.MerchantID, "amount": amount, "callback_url": callback})
		if req, err = http.NewRequest(http.MethodPost, base+"/sama/api/pg/v2/payment/request.json/", bytes.NewReader(body)); err != nil {
			return b, err
		}
		req.Header.Set("Content-Type", "application/json")
	default:
		form := url.Values{"api_key": {harness.APIKey}, "amount": {strconv.FormatInt(amount, 10)}, "return_url": {callback}}
		if req, err = http.NewRequest(http.MethodPost, base+"/"+provider+"/invoice/request", strings.NewReader(form.Encode())); err != nil {
			return b, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return b, err
	}
	defer res.Body.Close()
	var answer struct {
		ID   string `json:"id"`
		Link string `json:"link"`
		Key  string `json:"invoice_key"`
		Data struct {
			Authority string `json:"authority"`
		} `json:"data"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return b, err
	}
	switch provider {
	case "idpay":
		b.ID, b.Link = answer.ID, answer.Link
	case "sama":
		b.ID, b.Link = answer.Data.Authority, base+"/sama/pg/StartPay/"+answer.Data.Authority
	default:
		b.ID, b.Link = answer.Key, base+"/"+provider+"/invoice/pay/"+answer.Key
	}
	if b.ID == "" {
		return b, errors.New("the sandbox made no payment")
	}
	return b, nil
}

// made is create for tests that go on only if it worked.
func (w *world) made(provider, order string, amount int64, callback string) bill {
	w.t.Helper()
	b, err := create(w.url, provider, order, amount, callback)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// paid makes a payment, pays it, and returns it with the customer's return.
func (w *world) paid(provider, order string, amount int64, callback string) (bill, *sandbox.Return) {
	w.t.Helper()
	b := w.made(provider, order, amount, callback)
	return b, w.act(b.ID, "pay")
}

func (w *world) act(id, action string) *sandbox.Return {
	w.t.Helper()
	acted, err := w.box.Act(id, action)
	if err != nil {
		w.t.Fatal(err)
	}
	return acted.Return
}

func (w *world) fault(f sandbox.Fault) {
	w.t.Helper()
	if _, err := w.box.SetFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// ledger is the sandbox's view of one payment.
func (w *world) ledger(id string) sandbox.Payment {
	w.t.Helper()
	l := w.box.Ledger("", id, "")
	if len(l.Payments) != 1 {
		w.t.Fatalf("%d payments with id %s", len(l.Payments), id)
	}
	return l.Payments[0]
}

// asked is how often any provider was asked to verify.
func (w *world) asked() int {
	n := 0
	for path, count := range w.box.Ledger("", "", "").Requests {
		if strings.Contains(path, "verify") || strings.Contains(path, "/check/") || strings.Contains(path, "inquiry") {
			n += count
		}
	}
	return n
}

// row is a record as the admin endpoint shows it.
type row struct {
	Ref, State, Reason, Site, Provider, ID, Order, Conversion, Why string
	Deliveries                                                     int
	Amount                                                         int64 `json:"amount_rials"`
}

// rows are the payments that a query finds, such as "id=…", without the traces of
// what was refused.
func rows(t testing.TB, c *harness.Caddy, query string) []row {
	t.Helper()
	return slices.DeleteFunc(records(t, c, query), row.trace)
}

// trace: it is no payment, but what is left of something that was refused.
func (r row) trace() bool {
	return r.State == "declined" && slices.Contains([]string{"unannounced", "unusable", "unknown_order", "stray_return", "another_order"}, r.Reason)
}

// records are the payments and the traces that a query finds.
func records(t testing.TB, c *harness.Caddy, query string) []row {
	t.Helper()
	res, err := http.Get("http://" + c.Admin + "/payments/list?limit=500&" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct{ Payments []row }
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("listing payments: %s: %v", res.Status, err)
	}
	return page.Payments
}

// record is the one record of an id.
func (w *world) record(id string) row {
	w.t.Helper()
	all := rows(w.t, w.Caddy, "id="+url.QueryEscape(id))
	if len(all) != 1 {
		w.t.Fatalf("%d records of %s: %+v", len(all), id, all)
	}
	return all[0]
}

// writes is how many records a site has.
func (w *world) writes(site string) int {
	w.t.Helper()
	return len(rows(w.t, w.Caddy, "site="+url.QueryEscape(strings.TrimPrefix(site, "http://"))))
}

// come sends a return as a browser does.
func come(b *harness.Browser, ret *sandbox.Return, header ...string) harness.Page {
	if ret.Method == http.MethodGet {
		return b.Get(ret.URL, header...)
	}
	form := make(url.Values)
	for k, v := range ret.Form {
		form.Set(k, v)
	}
	return b.Post(ret.URL, form, header...)
}

func status(t testing.TB, p harness.Page, want int) {
	t.Helper()
	if p.Status != want {
		t.Fatalf("%s: status %d, want %d\n%s", p.URL, p.Status, want, clip(p.Body))
	}
}

// refused is the answer to a return that nothing explains: it says neither
// "paid" nor whether the order exists.
func refused(t testing.TB, p harness.Page) {
	t.Helper()
	if p.Status != http.StatusPaymentRequired && p.Status != http.StatusBadRequest {
		t.Fatalf("%s: status %d, want a refusal\n%s", p.URL, p.Status, clip(p.Body))
	}
}

func clip(s string) string {
	if i := strings.Index(s, "<main"); i > 0 {
		s = s[i:]
	}
	return s[:min(len(s), 600)]
}

// keeper is a shop that starts payments by itself: /pay?order=&amount= makes
// one at the provider and sends the browser there, announcing it.
type keeper struct {
	w        *world
	provider string
	callback string
	// silent leaves the announcement out; with adds to the answer's header.
	silent bool
	with   func(http.Header)
}

func (k *keeper) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/pay" {
		_, _ = rw.Write([]byte("the shop answers"))
		return
	}
	q := r.URL.Query()
	link := q.Get("link")
	if link == "" {
		amount, _ := strconv.ParseInt(q.Get("amount"), 10, 64)
		b, err := create(k.w.url, k.provider, q.Get("order"), amount, k.callback)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		link = b.Link
	}
	if !k.silent {
		rw.Header().Set("X-Payment-Order", q.Get("order"))
		rw.Header().Set("X-Payment-Amount", q.Get("amount"))
	}
	if k.with != nil {
		k.with(rw.Header())
	}
	http.Redirect(rw, r, link, http.StatusFound)
}

// begin has a browser start a payment at a keeper's shop and returns the id.
func begin(t testing.TB, b *harness.Browser, site, order string, amount int64) (id string, p harness.Page) {
	t.Helper()
	p = b.Get(site + "/pay?order=" + url.QueryEscape(order) + "&amount=" + strconv.FormatInt(amount, 10))
	if p.Status != http.StatusFound {
		t.Fatalf("the shop's redirect: %d\n%s", p.Status, clip(p.Body))
	}
	link := p.Location(t)
	return link[strings.LastIndexByte(link, '/')+1:], p
}

// raw sends bytes as they are and returns all that comes back.
func raw(t testing.TB, site, text string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.Replace(strings.TrimPrefix(site, "http://"), "localhost", "127.0.0.1", 1), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	host := strings.TrimPrefix(site, "http://")
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "HOST", host)); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn)
	return string(answer)
}
