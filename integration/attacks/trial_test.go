package attacks_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// trial is one attack on one shop.
type trial struct {
	*testing.T
	attack *attack
	how    string
	us     bool
	alone  bool

	w                           *world
	name, site, bare, dir, back string
	provider, boxURL            string
	// apiKey is the merchant's: each shop has an account of its own.
	apiKey       string
	orders, port int
	// unsettled: what is under way will not end here.
	unsettled bool
	tls       *listener
	box       *box
	bills     map[string]*bill
	mu        sync.Mutex
	found     map[string]bool
}

// bill is a payment that the shop started.
type bill struct {
	id, order string
	amount    int64
	// came: its payer was brought back to the shop with it.
	came bool
}

// do runs the attack and returns what it did to the shop.
func (x *trial) do(t *testing.T) []string {
	t.Helper()
	x.T, x.bills, x.found = t, make(map[string]*bill), make(map[string]bool)
	x.attack.run(x)
	return x.judge()
}

// harm is noted by attacks that do theirs elsewhere than in the books.
func (x *trial) harm(what string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.found[what] = true
}

// ours holds what must be true of us; of a plugin nothing is asserted, it is
// measured.
func (x *trial) ours(ok bool, format string, args ...any) {
	x.Helper()
	if x.us && !ok {
		x.Errorf(format, args...)
	}
}

// from is a browser of a client with an address of its own.
func (x *trial) from(client string) *harness.Browser {
	x.Helper()
	b := harness.NewBrowser(x.T)
	addr := &net.TCPAddr{IP: net.ParseIP(client)}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: addr}
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return d.DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	x.Cleanup(transport.CloseIdleConnections)
	b.Client.Transport = transport
	return b
}

// client is an address of this trial's: 0 is its customers', the others are
// strangers'.
func (x *trial) client(n int) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(x.name))
	s := h.Sum32()
	return fmt.Sprintf("127.%d.%d.%d", 16+n%200, s>>8&0xff, 1+s%250)
}

func (x *trial) customer() *harness.Browser { x.Helper(); return x.from(x.client(0)) }
func (x *trial) stranger() *harness.Browser { x.Helper(); return x.from(x.client(1)) }

// order notes a new order in the shop's books.
func (x *trial) order(amount int64) string {
	x.Helper()
	x.orders++
	name := fmt.Sprintf("%s-%d", x.attack.id, x.orders)
	x.price(name, amount)
	return name
}

func (x *trial) price(order string, amount int64) {
	x.Helper()
	if err := os.WriteFile(x.card("order", order), fmt.Append(nil, amount), 0o644); err != nil { //nolint:gosec // PHP reads it
		x.Fatal(err)
	}
}

func (x *trial) card(what, order string) string {
	return filepath.Join(x.dir, fmt.Sprintf("%s-%x", what, order))
}

// begin has a customer press Pay for an order and returns the payment's id.
func (x *trial) begin(b *harness.Browser, order string) string {
	x.Helper()
	p := b.Get(x.site + "/pay.php?order=" + url.QueryEscape(order))
	// Where the disk takes longer than two seconds nobody is sent to pay, and the customer presses again.
	for tries := 0; p.Status == http.StatusServiceUnavailable && tries < 3; tries++ {
		p = b.Get(x.site + "/pay.php?order=" + url.QueryEscape(order))
	}
	link := p.Header.Get("Location")
	id := link[strings.LastIndexByte(link, '/')+1:]
	if p.Status != http.StatusSeeOther || id == "" {
		x.Fatalf("the shop's redirect to the bank: %d %q\n%s", p.Status, link, p.Body)
	}
	x.bills[id] = &bill{id: id, order: order, amount: x.truth(id).Amount}
	return id
}

// act is what the payer does at the bank.
func (x *trial) act(id, action string) *sandbox.Return {
	x.Helper()
	acted, err := x.box.Act(id, action)
	if err != nil {
		x.Fatal(err)
	}
	return acted.Return
}

// paid is an order of a customer who has paid and is on the way back.
func (x *trial) paid(b *harness.Browser, amount int64) (id, order string, ret *sandbox.Return) {
	x.Helper()
	order = x.order(amount)
	id = x.begin(b, order)
	return id, order, x.act(id, "pay")
}

// come brings a payer back as the bank sends them, through our bounce.
func (x *trial) come(b *harness.Browser, ret *sandbox.Return) harness.Page {
	x.Helper()
	for id, bill := range x.bills {
		if strings.Contains(ret.URL, id) || slices.Contains(values(ret), id) {
			x.mu.Lock()
			bill.came = true
			x.mu.Unlock()
		}
	}
	return x.send(b, ret)
}

// send is come for a return that is not the bank's.
func (x *trial) send(b *harness.Browser, ret *sandbox.Return, header ...string) harness.Page {
	x.Helper()
	var p harness.Page
	x.patiently(func() (err error) {
		p, err = x.try(b, ret, header...)
		return err
	}, &p)
	return p
}

// patiently asks again while a return without any proof waits for its turn: all
// strangers of one Caddy share a pace, and most trials share one Caddy. It does
// not where the provider was asked and is silent.
func (x *trial) patiently(ask func() error, p *harness.Page) {
	x.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(300 * time.Millisecond) {
		if err := ask(); err != nil {
			x.Fatal(err)
		}
		if !x.us || x.how != silent || p.Status != http.StatusAccepted || time.Now().After(end) ||
			slices.ContainsFunc(x.rows(), func(r row) bool { return r.State == "unknown" }) {
			return
		}
	}
}

// bounced is what the bank's POST is answered itself.
func (x *trial) bounced(b *harness.Browser, ret *sandbox.Return, header ...string) harness.Page {
	x.Helper()
	var p harness.Page
	x.patiently(func() (err error) {
		p, err = x.ask(b, http.MethodPost, ret.URL, form(ret).Encode(), header...)
		return err
	}, &p)
	return p
}

func (x *trial) try(b *harness.Browser, ret *sandbox.Return, header ...string) (harness.Page, error) {
	if ret.Method == http.MethodGet {
		return x.ask(b, http.MethodGet, ret.URL, "", header...)
	}
	p, err := x.ask(b, http.MethodPost, ret.URL, form(ret).Encode(), header...)
	if err == nil && p.Status == http.StatusOK && strings.Contains(p.Body, "payment_bounce") {
		action, fields := p.Form(x.T)
		return x.ask(b, http.MethodPost, action, fields.Encode(), header...)
	}
	return p, err
}

// ask is one request; what it is answered is kept for the hunt.
func (x *trial) ask(b *harness.Browser, method, address, body string, header ...string) (harness.Page, error) {
	p, err := b.Try(method, address, body, header...)
	if err == nil && x.us {
		x.w.remember(p)
	}
	return p, err
}

// get asks for an address of the site.
func (x *trial) get(b *harness.Browser, target string, header ...string) harness.Page {
	x.Helper()
	p, err := x.ask(b, http.MethodGet, x.site+target, "", header...)
	if err != nil {
		x.Fatal(err)
	}
	return p
}

// forged is a return that somebody wrote: the bank's for a paid payment, with
// other ids.
func (x *trial) forged(id, order string) *sandbox.Return {
	fields := map[string]string{"status": "10", "track_id": "10012", "id": id, "order_id": order, "amount": "50000"}
	switch x.provider {
	case sandbox.ProviderSama:
		fields = map[string]string{"Authority": id, "Status": "OK"}
	case sandbox.Provider24Pal:
		fields = map[string]string{"invoice_key": id, "status": "0"}
	}
	return &sandbox.Return{Method: http.MethodPost, URL: x.site + x.back + "?invoice=" + url.QueryEscape(order), Form: fields}
}

// query is a return's fields as a GET brings them, with more behind them.
func (x *trial) query(ret *sandbox.Return, more string) string {
	u, err := url.Parse(ret.URL)
	if err != nil {
		x.Fatal(err)
	}
	q := u.RawQuery
	if len(ret.Form) > 0 {
		q = strings.Trim(q+"&"+form(ret).Encode(), "&")
	}
	return u.EscapedPath() + "?" + q + more
}

func form(ret *sandbox.Return) url.Values {
	v := make(url.Values)
	for name, value := range ret.Form {
		v.Set(name, value)
	}
	return v
}

func values(ret *sandbox.Return) []string {
	var all []string
	for _, v := range ret.Form {
		all = append(all, v)
	}
	return all
}

// truth is the provider's record of a payment.
func (x *trial) truth(id string) sandbox.Payment {
	x.Helper()
	l := x.box.Ledger("", id, "")
	if len(l.Payments) != 1 {
		x.Fatalf("the provider has %d payments %s", len(l.Payments), id)
	}
	return l.Payments[0]
}

func (x *trial) fault(f sandbox.Fault) {
	x.Helper()
	if _, err := x.box.SetFault(f); err != nil {
		x.Fatal(err)
	}
}

// row is a record as our admin endpoint shows it.
type row struct {
	Ref, State, Reason, ID, Order, Conversion string
}

func (x *trial) rows() []row {
	x.Helper()
	res, err := http.Get("http://" + x.w.Admin + "/payments/list?limit=500&site=" + url.QueryEscape(strings.TrimPrefix(x.site, "http://")))
	if err != nil {
		x.Fatal(err)
	}
	defer res.Body.Close()
	var page struct{ Payments []row }
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || res.StatusCode != http.StatusOK {
		x.Fatalf("listing payments: %s: %v", res.Status, err)
	}
	return page.Payments
}

// record is what we know of a payment for an order; zero if nothing.
func (x *trial) record(id, order string) row {
	x.Helper()
	for _, r := range x.rows() {
		if r.ID == id && (order == "" || r.Order == order) {
			return r
		}
	}
	return row{}
}

// waitState waits for one of some states of ours; without us it does not wait.
func (x *trial) waitState(id, order string, states ...string) {
	x.Helper()
	if !x.us {
		return
	}
	var last row
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if last = x.record(id, order); slices.Contains(states, last.State) {
			return
		}
	}
	x.Errorf("payment %s is %+v, not %v", id, last, states)
}

// lookup answers what an order costs now, as a shop's own code would.
func (x *trial) lookup(w http.ResponseWriter, order string) {
	w.Header().Set("Content-Type", "application/json")
	price, err := os.ReadFile(x.card("order", order))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":"unknown"}`)
		return
	}
	id, _ := os.ReadFile(x.card("token", order))
	fmt.Fprintf(w, `{"amount":%s,"id":%q,"paid":false}`, price, id)
}

// refused: the answer to a return that nothing explains says neither "paid" nor
// anything of the order.
func (x *trial) refused(p harness.Page) {
	x.Helper()
	x.status(p, http.StatusPaymentRequired, http.StatusBadRequest)
}

func (x *trial) status(p harness.Page, wants ...int) {
	x.Helper()
	x.ours(slices.Contains(wants, p.Status), "%s: status %d, want %v\n%.600s", p.URL, p.Status, wants, p.Body)
}

// ends comes back, and again, until an order is credited or held: a customer
// who was told to wait.
func (x *trial) ends(b *harness.Browser, ret *sandbox.Return, order string) {
	x.Helper()
	for range 40 {
		x.come(b, ret)
		if !x.us || x.credited(order) > 0 {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	x.Errorf("%s is never credited; %+v", order, x.rows())
}

// invented is an id as the provider gives them out, which it never did.
func (x *trial) invented() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	if x.provider == sandbox.ProviderSama {
		return fmt.Sprintf("%x-%x-4%x-8%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])[:36]
	}
	return hex.EncodeToString(b[:])
}

// wire is a connection on which nothing is checked.
func (x *trial) wire() *harness.Wire {
	w := harness.NewWire(x.T, fmt.Sprintf("127.0.0.1:%d", x.port))
	w.Host, w.From = strings.TrimPrefix(x.site, "http://"), x.client(0)
	return w
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }
