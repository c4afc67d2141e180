package nodes_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

var servers pgtest.Package //nolint:gochecknoglobals // one cluster for all tests that break none

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// world is some Caddys behind one address, one database, one shop, one bank.
type world struct {
	t     *testing.T
	db    *pgtest.Cluster
	box   *sandbox.Server
	bank  string // the sandbox's address
	shop  *harness.Shop
	other *harness.Shop // behind a site that has nothing to do with payments
	dsn   string
	nodes []*node

	asking sync.Mutex
	asked  *pgx.Conn // nil until it is needed
}

type node struct {
	*harness.Caddy
	port int
}

const (
	host  = "shop.localhost"
	plain = "plain.localhost"
)

// newWorld starts nodes on a database of their own in a cluster. verify are the
// options of the return's route, global are edits of the global options, in
// pairs.
func newWorld(t *testing.T, db *pgtest.Cluster, n int, verify string, global ...string) *world {
	t.Helper()
	return newWorldAt(t, db, db.DSN("search_path", db.Schema(t)), n, verify, global...)
}

func newWorldAt(t *testing.T, db *pgtest.Cluster, dsn string, n int, verify string, global ...string) *world {
	t.Helper()
	box, boxURL := harness.Sandbox(t, sandbox.Options{})
	w := &world{t: t, db: db, box: box, bank: boxURL, shop: harness.NewShop(t), other: harness.NewShop(t), dsn: dsn}
	text := strings.NewReplacer(
		"storage badger ledger", "storage postgres {env.DSN}", "\t\tsigning_key {env.SIGNING_KEY}\n", "",
		"provider idpay {", "provider idpay {\n\t\t\ttimeout 4s",
	).Replace(harness.Global(boxURL))
	text = strings.NewReplacer(global...).Replace(text)
	for range n {
		port := harness.Port(t)
		c := harness.New(t, strings.Replace(text, "auto_https off", fmt.Sprintf("auto_https off\n\thttp_port %d", port), 1)+
			"http://"+host+` {
	payments {
		public_url http://`+host+`
		track /product/*
		checkout /buy idpay {
			item mug 50000rial
		}
		verify /back idpay {
			`+verify+`
		}
	}
	reverse_proxy `+w.shop.URL+`
}
http://`+plain+` {
	reverse_proxy `+w.other.URL+`
}
`, append(harness.Environment(), "DSN="+w.dsn)...)
		c.Start()
		w.nodes = append(w.nodes, &node{c, port})
	}
	return w
}

// through makes a browser reach the one address by way of one node.
func (w *world) through(b *harness.Browser, i int) *harness.Browser {
	w.t.Helper()
	from := &net.TCPAddr{IP: harness.NewAddress()}
	tr := &http.Transport{MaxIdleConnsPerHost: 256, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{LocalAddr: from}).DialContext(ctx, network, "127.0.0.1:"+strconv.Itoa(w.nodes[i].port))
	}}
	w.t.Cleanup(tr.CloseIdleConnections)
	client := *b.Client
	client.Transport = tr
	return &harness.Browser{Client: &client}
}

func (w *world) browser(i int) *harness.Browser { return w.through(harness.NewCustomer(w.t), i) }

// buy starts a payment on a node, pays it at the bank, and returns its id and the
// return that the browser would now make.
func (w *world) buy(i int) (id string, ret *sandbox.Return, err error) {
	return w.buyWith(w.browser(i))
}

func (w *world) buyWith(b *harness.Browser) (id string, ret *sandbox.Return, err error) {
	p, err := b.Try(http.MethodPost, "http://"+host+"/buy/mug", "")
	if err != nil {
		return "", nil, err
	}
	if p.Status != http.StatusSeeOther {
		return "", nil, fmt.Errorf("checkout: status %d", p.Status)
	}
	link := p.Header.Get("Location")
	id = link[strings.LastIndexByte(link, '/')+1:]
	acted, err := w.box.Act(id, "pay")
	if err != nil {
		return "", nil, err
	}
	return id, acted.Return, nil
}

func (w *world) mustBuy(i int) (id string, ret *sandbox.Return) {
	w.t.Helper()
	id, ret, err := w.buy(i)
	if err != nil {
		w.t.Fatal(err)
	}
	return id, ret
}

// come sends a return through a browser.
func come(b *harness.Browser, ret *sandbox.Return) (harness.Page, error) {
	if ret.Method == http.MethodGet {
		return b.Try(http.MethodGet, ret.URL, "")
	}
	v := make(url.Values)
	for name, value := range ret.Form {
		v.Set(name, value)
	}
	return b.Try(http.MethodPost, ret.URL, v.Encode())
}

func (w *world) fault(f sandbox.Fault) {
	w.t.Helper()
	if _, err := w.box.SetFault(f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) verifies(id string) sandbox.Verifies {
	w.t.Helper()
	l := w.box.Ledger("", id, "")
	if len(l.Payments) != 1 {
		w.t.Fatalf("%d payments with id %s", len(l.Payments), id)
	}
	return l.Payments[0].Verify
}

// told is how often the shop was told that an id is paid.
func (w *world) told(id string) (n int) {
	for _, r := range w.shop.Told() {
		if r.Header.Get("X-Payment-Id") == id {
			n++
		}
	}
	return n
}

// ask asks the database, if it answers. That happens many times a second, so it keeps its
// connection: to begin one takes the server longer than the question. One that has ended since
// the last question says nothing of the database, so then it asks once more.
func (w *world) ask(f func(context.Context, *pgx.Conn) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	w.asking.Lock()
	defer w.asking.Unlock()
	if w.asked != nil && w.asked.Config().ConnString() == w.dsn && f(ctx, w.asked) == nil {
		return
	}
	if w.asked != nil {
		_ = w.asked.Close(ctx)
		w.asked = nil
	}
	conn, err := pgx.Connect(ctx, w.dsn)
	if err != nil {
		return
	}
	if f(ctx, conn) != nil {
		_ = conn.Close(ctx)
		return
	}
	w.asked = conn
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
}

// states counts the ledger's records by state, straight from the tables.
func (w *world) states() (states map[string]int, version int64) {
	w.t.Helper()
	states = make(map[string]int)
	w.ask(func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT state, version FROM payments_records")
		if err != nil {
			return err
		}
		defer rows.Close()
		clear(states)
		version = 0
		for rows.Next() {
			var state string
			var v int64
			if rows.Scan(&state, &v) == nil {
				states[state]++
				version += v
			}
		}
		return rows.Err()
	})
	return states, version
}

func (w *world) waitState(state string, n int, most time.Duration) {
	w.t.Helper()
	harness.Wait(w.t, fmt.Sprintf("%d payments are %s", n, state), most, func() bool {
		states, _ := w.states()
		return states[state] == n
	})
}

// tally counts answers.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[what]++
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.n)
}
