package doors

import (
	"fmt"
	"net"
	"net/http"
	"net/http/fcgi"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// most is how many blocks a world may have.
const most = 3

var (
	// current is the world that the bank and the shops belong to.
	current atomic.Pointer[world]
	theBank string
	around  places
)

// TestMain starts what all worlds share: the bank's server, an upstream and a
// FastCGI responder a block, and the roots.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "doors")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		_ = os.Setenv(name, dir)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := current.Load()
		if w == nil {
			http.Error(rw, "no world", http.StatusServiceUnavailable)
			return
		}
		w.bank.ServeHTTP(rw, r)
	}))
	theBank = srv.URL
	around.bank = theBank
	for i := range most {
		up := httptest.NewServer(shop{i})
		around.proxy = append(around.proxy, strings.TrimPrefix(up.URL, "http://"))
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		go func() { _ = fcgi.Serve(l, shop{i}) }()
		around.php = append(around.php, l.Addr().String())
	}
	if around.roots, err = writeRoots(dir, most); err != nil {
		panic(err)
	}
	if around.pages, err = writePages(dir); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// purchase is a payment that somebody began: what it is for and where, which is
// all that the oracle goes by.
type purchase struct {
	Slot     int
	Site     string // see block.site
	Block    int
	Host     string
	Checkout bool
	Plugin   bool   // its shop verifies by itself
	Callback string // what the plugin told the gateway
	Item     string
	Verify   int
	Provider string
	ID       string
	Order    string
	Amount   int64
	Browser  int
	Link     string
	Return   *returned // what the bank sent the browser back with
	Brought  bool      // an honest customer came back with it, as it was
	Closed   bool      // the tab was closed after paying
	Turned   bool      // its customer came back while the ledger refused
	Unnoted  bool      // its customer was sent to pay while the ledger refused, which can't keep whose visit that is
}

type returned struct {
	Method, URL string
	Form        url.Values
}

// world is a plan being lived.
type world struct {
	drawn    *plan // as it was drawn
	suffix   string
	plan     *plan // the same with hosts of its own
	at       places
	c        *clock
	bank     *bank
	browsers []*browser

	mu                        sync.Mutex
	requested                 []*seen
	events                    int // how many events and log lines there were before this request
	logs                      int
	purchases                 []*purchase
	starting                  *purchase // the one that the shop has just made
	slots                     map[int]*purchase
	told                      map[string]int // how often a shop heard "verified" of a payment
	auds                      map[string]string
	visits                    []visit
	fresh                     int             // browsers that were made for one step
	working                   bool            // the worker has its turn
	sending                   *request        // the one that is under way
	shown                     map[string]int  // how often a shop has credited a payment on a return that names it
	gone                      time.Duration   // how much time has gone by
	late                      bool            // so much time has gone by that a list may not be read any more
	out                       string          // what is wrong with the ledger
	unwritten                 time.Duration   // for so long it has recorded nothing
	refused                   bool            // something was, once
	verifyCalls               int             // how many verify calls we had made when that began
	replayed                  map[string]int  // how often it made a return at a plugin's shop, by id
	asked, firsts, creditedBy map[string]int  // how often plugins asked, heard "first" whole, and credited, by id
	tampered                  map[string]bool // payments of customers whose ids an attacker brought
	lines                     []string        // what happened, for people
	faults                    []fault
}

// fault is something that must not happen.
type fault struct {
	Kind string
	Text string
}

func (w *world) fail(kind, format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(strings.Split(*but, ","), kind) {
		return
	}
	f := fault{kind, fmt.Sprintf(format, a...)}
	w.faults = append(w.faults, f)
	w.lines = append(w.lines, "# !! "+f.Kind+": "+f.Text)
}

func (w *world) say(format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf(format, a...))
}

func (w *world) blockNumbered(n int) *block {
	for i := range w.plan.Blocks {
		if w.plan.Blocks[i].Number == n {
			return &w.plan.Blocks[i]
		}
	}
	return nil
}

// site is the shop as its customers name it: a wildcard's is the request's host,
// all other blocks have one name.
func (b *block) site(host string) string {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	host = strings.TrimSuffix(host, ".")
	if !b.wild() && host != b.Twin {
		return fmt.Sprintf("block%d", b.Number)
	}
	return host
}

// origin is scheme and host as return addresses, signatures and receipts have
// them.
func (b *block) origin(scheme, host string) string {
	if b.Public != "" {
		return b.Public
	}
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	if !b.wild() && host != b.Twin {
		host = b.Names[0]
	}
	if b.Port != "80" {
		host += ":" + b.Port
	}
	return scheme + "://" + strings.TrimSuffix(host, ".")
}

// place is a name of a block: where a step happens.
type place struct {
	b    *block
	name string
}

func (w *world) places() []place {
	var all []place
	for i := range w.plan.Blocks {
		for _, n := range w.plan.Blocks[i].Names {
			all = append(all, place{&w.plan.Blocks[i], n})
		}
	}
	return all
}

func (w *world) place(n int) place {
	all := w.places()
	return all[n%len(all)]
}

// made notes a payment that a shop began.
func (w *world) made(p *purchase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.purchases = append(w.purchases, p)
	w.starting = p
}

func (w *world) reached(s *seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requested = append(w.requested, s)
}

// all are the payments that were begun. A shop's page may still ask for one, or begin one, while
// the world is judged: a page runs on when its customer has gone.
func (w *world) all() []*purchase {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.purchases)
}

// times is how often something happened to a payment.
func (w *world) times(what map[string]int, id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return what[id]
}

// ordered is the newest payment of an order of that block's shop.
func (w *world) ordered(block int, order string) *purchase {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.purchases) - 1; i >= 0; i-- {
		if p := w.purchases[i]; p.Block == block && p.Order == order && !p.Checkout && !p.Plugin {
			return p
		}
	}
	return nil
}

// byID is the payment of that id, whoever began it.
func (w *world) byID(id string) *purchase {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.purchases {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// credited: the shop has been told.
func (w *world) credited(p *purchase) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.purchases {
		if o.Site == p.Site && o.Order == p.Order && w.told[o.Site+" "+o.ID] > 0 {
			return true
		}
	}
	return false
}
